import * as Diff from "@lamina/composefs/Diff"
import * as Effect from "effect/Effect"
import { command } from "../command.ts"
import { exitCodes, Misuse } from "../failure.ts"
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
does. What --skip-xattrs leaves out of a directory does not count.`,
  options: {
    summary: flag("Only print how many differences there are of each sort"),
    ignore: texts("ASPECT", `What does not count: ${aspects.join(", ")} or xattr:NAME`),
    ...sourceOptions
  },
  operands: { least: 2, most: 2 },
  run: Effect.fnUntraced(function*(values, [leftText = "", rightText = ""], io) {
    const ignored = yield* Effect.forEach(values.ignore, aspectOf)
    const ignore: ReadonlyArray<Diff.Aspect> = values["skip-xattrs"] ? [...ignored, "xattr"] : ignored
    const left = yield* treeOf(yield* Source.open(leftText, io), values, io)
    const right = yield* treeOf(yield* Source.open(rightText, io), values, io)
    const differences = Array.from(Diff.trees(left, right, { ignore }))
    if (!values.summary) yield* printAll(io, lines(differences))
    yield* printAll(io, [Diff.formatSummary(Diff.summary(differences))])
    return differences.length === 0 ? exitCodes.ok : exitCodes.different
  })
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
