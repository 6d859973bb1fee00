import * as Diff from "@lamina/composefs/Diff"
import * as Effect from "effect/Effect"
import { command } from "../command.ts"
import { exitCodes, Misuse } from "../failure.ts"
import type { Io } from "../io.ts"
import { printAll } from "../lines.ts"
import { flag, texts } from "../options.ts"
import * as Source from "../source.ts"
import { sourceOptions } from "../sourceOptions.ts"
import { treeOf } from "../trees.ts"

const aspects = [
  "added",
  "removed",
  "type",
  "mode",
  "uid",
  "gid",
  "nlink",
  "size",
  "rdev",
  "mtime",
  "content",
  "storage",
  "digest",
  "payload",
  "target",
  "links",
  "xattr"
] as const

export const diff = command({
  usage: "diff [OPTIONS] SOURCE SOURCE",
  about:
    `Tells what differs between two trees, a line for each path and field, and a summary at the end. Ends with 1 if anything
does. What --skip-xattrs leaves out of a directory does not count. Of two images the bytes count too, unless something is
ignored.`,
  options: {
    summary: flag("Only print how many differences there are of each sort"),
    json: flag("Print the differences as a JSON array"),
    ignore: texts("ASPECT", `What does not count: ${aspects.join(", ")} or xattr:NAME`),
    ...sourceOptions
  },
  operands: { least: 2, most: 2 },
  run: Effect.fnUntraced(function*(values, [leftText = "", rightText = ""], io) {
    const ignored = yield* Effect.forEach(values.ignore, aspectOf)
    const ignore: ReadonlyArray<Diff.Aspect> = values["skip-xattrs"] ? [...ignored, "xattr"] : ignored
    const left = yield* Source.open(leftText, io)
    const right = yield* Source.open(rightText, io)
    const comparison = left.kind === "image" && right.kind === "image"
      ? yield* compareImages(left, right, ignore, io)
      : {
        differences: Diff.trees(yield* treeOf(left, values, io), yield* treeOf(right, values, io), { ignore }),
        bytes: ""
      }
    const differences = Array.from(comparison.differences)
    const isDifferent = differences.length > 0 || (comparison.bytes !== "" && ignore.length === 0)
    if (values.json) {
      yield* io.print(`${JSON.stringify(differences.map(toJson), undefined, 2)}\n`)
      return isDifferent ? exitCodes.different : exitCodes.ok
    }
    if (!values.summary) yield* printAll(io, lines(differences))
    if (differences.length > 0 || !isDifferent) yield* io.print(Diff.formatSummary(Diff.summary(differences)))
    yield* io.print(comparison.bytes)
    return isDifferent ? exitCodes.different : exitCodes.ok
  })
})

/** Two images may differ though their trees do not. */
const compareImages = Effect.fnUntraced(function*(
  left: Source.Source,
  right: Source.Source,
  ignore: ReadonlyArray<Diff.Aspect>,
  io: Io
) {
  const comparison = yield* Effect.fromResult(
    Diff.images(yield* Source.contentOf(left, io), yield* Source.contentOf(right, io), { ignore })
  )
  return { differences: comparison.differences, bytes: Diff.formatImages(comparison) }
})

const aspectOf = (text: string): Effect.Effect<Diff.Aspect, Misuse> => {
  const aspect = text.startsWith("xattr:")
    ? (`xattr:${text.slice("xattr:".length)}` as const)
    : aspects.find((aspect) => aspect === text)
  return aspect === undefined
    ? Effect.fail(
      new Misuse({ problem: `--ignore: expected ${aspects.join(", ")} or xattr:NAME, got ${JSON.stringify(text)}` })
    )
    : Effect.succeed(aspect)
}

function* lines(differences: Iterable<Diff.Difference>): Generator<string> {
  for (const difference of differences) yield `${Diff.format(difference)}\n`
}

const toJson = (difference: Diff.Difference): object => {
  const { kind, path } = difference
  if (difference._tag !== "Changed") return { change: difference._tag.toLowerCase(), path, kind }
  const { field, left, right } = difference
  const name = field === "xattr" ? { name: difference.name } : {}
  return { change: "changed", path, kind, field, ...name, left: jsonValue(left), right: jsonValue(right) }
}

/** Attributes as hex, times as in a dump; what one side does not have is null. */
const jsonValue = (value: Diff.Change["left"]): unknown =>
  value instanceof Uint8Array
    ? Buffer.from(value).toString("hex")
    : typeof value === "object" && "nanoseconds" in value
    ? `${value.seconds}.${value.nanoseconds}`
    : value ?? null
