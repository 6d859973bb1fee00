/**
 * The five spec lists of a module: which files it ships, leaves out, claims, and hands to its children, and which
 * packages its build installs.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Glob from "./Glob.ts"
import * as Narrowing from "./internal/Narrowing.ts"

/**
 * The lists, in their author's order. All but `packageSpec` hold patterns (see `Glob`).
 *
 * - `mask`: what the module must not ship.
 * - `fileSpec`: what it ships.
 * - `protectedSpec`: what it claims; no neighbour may ship that.
 * - `dependencySpec`: the window inside which its `config` and `instance` children ship.
 * - `packageSpec`: Debian package names for the build.
 *
 * @category models
 * @since 0.1.0
 */
export interface ModuleSpecs {
  readonly mask: ReadonlyArray<string>
  readonly fileSpec: ReadonlyArray<string>
  readonly protectedSpec: ReadonlyArray<string>
  readonly dependencySpec: ReadonlyArray<string>
  readonly packageSpec: ReadonlyArray<string>
}

/**
 * The lists that hold patterns.
 *
 * @category models
 * @since 0.1.0
 */
export type PatternList = "mask" | "fileSpec" | "protectedSpec" | "dependencySpec"

const patternLists: ReadonlyArray<PatternList> = ["mask", "fileSpec", "protectedSpec", "dependencySpec"]

/**
 * Entries of spec lists which cannot be used, all of them.
 *
 * @category errors
 * @since 0.1.0
 */
export class SpecError extends Schema.TaggedError<SpecError>("@lamina/core/SpecError")("SpecError", {
  problems: Schema.Array(Schema.Struct({
    list: Schema.Literals(["mask", "fileSpec", "protectedSpec", "dependencySpec", "packageSpec"]),
    index: Schema.Int,
    entry: Schema.String,
    detail: Schema.String
  }))
}) {
  override get message(): string {
    return this.problems.map(({ list, index, detail }) => `${list}[${index}]: ${detail}`).join("\n")
  }
}

/**
 * Lists with nothing in them.
 *
 * @category constructors
 * @since 0.1.0
 */
export const empty: ModuleSpecs = { mask: [], fileSpec: [], protectedSpec: [], dependencySpec: [], packageSpec: [] }

/**
 * Fills the lists that are not given with nothing.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (specs: Partial<ModuleSpecs>): ModuleSpecs => ({ ...empty, ...specs })

const packageName = /^[a-z0-9][a-z0-9+.-]+(?::[a-z0-9][a-z0-9-]*)?(?:=[A-Za-z0-9][A-Za-z0-9.+:~-]*)?$/

/**
 * Whether a text names a Debian package (Policy 5.6.1), optionally with `:architecture` and `=version`.
 *
 * @category predicates
 * @since 0.1.0
 */
export const isPackageName = (text: string): boolean => text.length <= 256 && packageName.test(text)

/**
 * The patterns of one list, or every entry of it that is none.
 *
 * @category conversions
 * @since 0.1.0
 */
export const parseList = (
  specs: ModuleSpecs,
  list: PatternList
): Result.Result<ReadonlyArray<Glob.Glob>, SpecError> => {
  const globs: Array<Glob.Glob> = []
  const problems: Array<SpecError["problems"][number]> = []
  for (const [index, entry] of specs[list].entries()) {
    const glob = Glob.parse(entry)
    if (Result.isSuccess(glob)) globs.push(glob.success)
    else problems.push({ list, index, entry, detail: glob.failure.message })
  }
  return problems.length === 0 ? Result.succeed(globs) : Result.fail(new SpecError({ problems }))
}

/**
 * Returns the lists unchanged, or every entry that cannot be used.
 *
 * @category validation
 * @since 0.1.0
 */
export const validate = (specs: ModuleSpecs): Result.Result<ModuleSpecs, SpecError> => {
  const problems: Array<SpecError["problems"][number]> = []
  for (const list of patternLists) {
    const globs = parseList(specs, list)
    if (Result.isFailure(globs)) problems.push(...globs.failure.problems)
  }
  for (const [index, entry] of specs.packageSpec.entries()) {
    if (!isPackageName(entry)) {
      const detail = `${JSON.stringify(entry)} is not a Debian package name (lower-case letters, digits, + - .)`
      problems.push({ list: "packageSpec", index, entry, detail })
    }
  }
  return problems.length === 0 ? Result.succeed(specs) : Result.fail(new SpecError({ problems }))
}

/**
 * What a child may ship: its own `fileSpec` narrowed to the parent's `dependencySpec`, or the whole window when its own
 * `fileSpec` is empty. `outside` lists the child's patterns of which nothing certain lies inside the window.
 *
 * @category combinators
 * @since 0.1.0
 */
export const withinParent = (
  child: ModuleSpecs,
  parent: ModuleSpecs
): Result.Result<{ readonly specs: ModuleSpecs; readonly outside: ReadonlyArray<string> }, SpecError> =>
  Result.gen(function*() {
    const window = yield* parseList(parent, "dependencySpec")
    const own = yield* parseList(child, "fileSpec")
    if (own.length === 0) return { specs: { ...child, fileSpec: parent.dependencySpec }, outside: [] }
    const fileSpec: Array<string> = []
    const outside: Array<string> = []
    for (const glob of own) {
      const inside = Narrowing.narrow(glob, window)
      if (inside.length === 0) outside.push(glob.pattern)
      else fileSpec.push(...inside.map(({ pattern }) => pattern))
    }
    return { specs: { ...child, fileSpec: [...new Set(fileSpec)] }, outside }
  })
