import * as Explain from "@lamina/composefs/Explain"
import * as ObjectStore from "@lamina/composefs/ObjectStore"
import * as Effect from "effect/Effect"
import { command } from "../command.ts"
import { exitCodes } from "../failure.ts"
import { flag, integer, text } from "../options.ts"
import { counting } from "../progress.ts"
import * as Source from "../source.ts"
import { sourceOptions } from "../sourceOptions.ts"
import { existingStore } from "../store.ts"
import { contentsOf } from "../trees.ts"
import { digestOf } from "../verityOptions.ts"

export const explain = command({
  usage: "explain [OPTIONS] DIGEST SOURCE",
  about:
    `Tells what was done to the tree of SOURCE, and in which format it was written, so that its image has the expected DIGEST:
format versions, attributes, times, hard links and more are tried alone and together. Ends with 1 if nothing was found.`,
  options: {
    "max-attempts": integer("N", "How many images are made at most (default 1000)", { least: 1, most: 1_000_000 }),
    "source-date-epoch": integer("SECONDS", "The SOURCE_DATE_EPOCH that a build may have had", {
      least: 0,
      most: Number.MAX_SAFE_INTEGER
    }),
    "digest-store": text("PATH", "Read contents from this object store (default: those of SOURCE, where it has any)"),
    "skip-xattrs": sourceOptions["skip-xattrs"],
    threads: sourceOptions.threads,
    flatten: sourceOptions.flatten,
    platform: sourceOptions.platform,
    "plain-http": sourceOptions["plain-http"],
    json: flag("Print the finding as JSON")
  },
  operands: { least: 2, most: 2 },
  run: Effect.fnUntraced(function*(values, [expected = "", text = ""], io) {
    const { hex } = yield* digestOf(expected, { other: text, usage: "DIGEST SOURCE" })
    const found = yield* contentsOf(yield* Source.open(text, io), { ...asFound, ...values }, io)
    const store = values["digest-store"]
    const contents = store === undefined
      ? found.contents
      : ObjectStore.reader(yield* existingStore(store))
    const seconds = values["source-date-epoch"]
    const explanation = yield* counting(io, "images", (show) =>
      Explain.digest(expected, found.tree, {
        contents,
        maxAttempts: values["max-attempts"],
        sourceDateEpoch: seconds === undefined ? undefined : { seconds: BigInt(seconds), nanoseconds: 0 },
        onProgress: ({ attempts }) => Effect.sync(() => show(attempts))
      }))
    yield* io.print(values.json ? toJson(explanation, hex) : Explain.format(explanation))
    return explanation._tag === "Found" ? exitCodes.ok : exitCodes.different
  })
})

/** A directory with all that it has: what a tool leaves out of it is what is searched for. */
const asFound = { "use-epoch": false, "skip-devices": false, "user-xattrs": false, hardlinks: true }

/** Digests are bare hex in all JSON of this program. */
const toJson = (explanation: Explain.Explanation, expected: string): string => {
  const { attempts } = explanation
  const finding = explanation._tag === "Found"
    ? { found: true, expected, attempts, deviations: explanation.deviations, alternatives: explanation.alternatives }
    : { found: false, expected, attempts, isExhausted: explanation.isExhausted, hints: explanation.hints }
  return `${JSON.stringify(finding, undefined, 2)}\n`
}
