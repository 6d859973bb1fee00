/** Options of a command line: a table says what there is, the parser reads it, the help prints it. */
import * as Result from "effect/Result"

/** One option: what it takes, what it is for, and how the texts that were given become its value. */
export interface Option<A> {
  /** What stands for the value in the help; undefined for an option that takes none. */
  readonly takes: string | undefined
  readonly about: string
  readonly read: (given: ReadonlyArray<string>) => Result.Result<A, string>
}

export type Options = Readonly<Record<string, Option<unknown>>>

export type Values<O extends Options> = { readonly [Name in keyof O]: O[Name] extends Option<infer A> ? A : never }

export interface Parsed<O extends Options> {
  readonly values: Values<O>
  /** What is not an option: files, images, digests. */
  readonly operands: ReadonlyArray<string>
}

export const flag = (about: string): Option<boolean> => ({
  takes: undefined,
  about,
  read: (given) => Result.succeed(given.length > 0)
})

export const text = (takes: string, about: string): Option<string | undefined> => ({
  takes,
  about,
  read: (given) => Result.succeed(given.at(-1))
})

export const texts = (takes: string, about: string): Option<ReadonlyArray<string>> => ({
  takes,
  about: `${about} (may be repeated)`,
  read: Result.succeed
})

export const integer = (
  takes: string,
  about: string,
  range: { readonly least: number; readonly most: number }
): Option<number | undefined> => ({
  takes,
  about,
  read: (given) => {
    const last = given.at(-1)
    if (last === undefined) return Result.succeed(undefined)
    const number = /^[0-9]{1,15}$/.test(last) ? Number(last) : Number.NaN
    return number >= range.least && number <= range.most
      ? Result.succeed(number)
      : Result.fail(`expected a number from ${range.least} to ${range.most}, got ${JSON.stringify(last)}`)
  }
})

export const choice = <const A extends string>(
  choices: readonly [A, ...ReadonlyArray<A>],
  about: string
): Option<A | undefined> => ({
  takes: choices.join("|"),
  about,
  read: (given) => {
    const last = given.at(-1)
    if (last === undefined) return Result.succeed(undefined)
    const found = choices.find((choice) => choice === last)
    return found === undefined
      ? Result.fail(`expected ${choices.join(", ")}, got ${JSON.stringify(last)}`)
      : Result.succeed(found)
  }
})

/**
 * Reads `--name`, `--name=value`, `--name value` and operands in any order; `--` ends the options, `-` is an operand.
 * The last of several values counts, unless all are asked for.
 */
export const parse = <O extends Options>(options: O, args: ReadonlyArray<string>): Result.Result<Parsed<O>, string> => {
  const given = new Map<string, Array<string>>()
  const operands: Array<string> = []
  const rest = args[Symbol.iterator]()
  for (const argument of rest) {
    if (argument === "--") {
      operands.push(...rest)
      break
    }
    if (!argument.startsWith("-") || argument === "-") {
      operands.push(argument)
      continue
    }
    const [name, attached] = split(argument)
    const option = Object.hasOwn(options, name) && argument.startsWith("--") ? options[name] : undefined
    if (option === undefined) return Result.fail(unknown(argument, Object.keys(options)))
    if (option.takes === undefined && attached !== undefined) return Result.fail(`--${name} takes no value`)
    const value = option.takes === undefined ? "" : attached ?? rest.next().value
    if (value === undefined) return Result.fail(`--${name} expects ${option.takes}`)
    given.set(name, [...given.get(name) ?? [], value])
  }
  return Result.map(readValues(options, given), (values) => ({ values, operands }))
}

const split = (argument: string): readonly [name: string, attached: string | undefined] => {
  const equals = argument.indexOf("=")
  return equals === -1 ? [argument.slice(2), undefined] : [argument.slice(2, equals), argument.slice(equals + 1)]
}

const readValues = <O extends Options>(
  options: O,
  given: ReadonlyMap<string, ReadonlyArray<string>>
): Result.Result<Values<O>, string> => {
  const values: Record<string, unknown> = {}
  for (const [name, option] of Object.entries(options)) {
    const value = option.read(given.get(name) ?? [])
    if (Result.isFailure(value)) return Result.fail(`--${name}: ${value.failure}`)
    values[name] = value.success
  }
  return Result.succeed(values as Values<O>)
}

const unknown = (argument: string, names: ReadonlyArray<string>): string => {
  const [name] = split(argument)
  const nearest = nearestOf(name, names)
  return `unknown option ${JSON.stringify(argument)}${nearest === undefined ? "" : `; did you mean --${nearest}?`}`
}

/** The name that takes the fewest edits to reach, if they are few. */
export const nearestOf = (wrong: string, names: ReadonlyArray<string>): string | undefined => {
  const text = wrong.slice(0, 40)
  const [best] = names
    .map((name) => ({ name, edits: name.startsWith(text) && text.length > 1 ? 0 : editDistance(text, name) }))
    .filter(({ edits, name }) => edits <= Math.ceil(name.length / 2.5))
    .sort((left, right) => left.edits - right.edits)
  return best?.name
}

const editDistance = (from: string, to: string): number => {
  let row = Array.from({ length: to.length + 1 }, (_, at) => at)
  for (let i = 1; i <= from.length; i++) {
    const next = [i]
    for (let j = 1; j <= to.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[to.length] ?? 0
}

/** The options as lines of a help text. */
export const describe = (options: Options): string => {
  const lines = Object.entries(options).map(([name, { about, takes }]) =>
    [`  --${name}${takes === undefined ? "" : `=${takes}`}`, about] as const
  )
  const width = Math.min(30, Math.max(0, ...lines.map(([left]) => left.length)) + 2)
  return lines.map(([left, about]) =>
    left.length + 2 > width ? `${left}\n${" ".repeat(width)}${about}\n` : `${left.padEnd(width)}${about}\n`
  ).join("")
}
