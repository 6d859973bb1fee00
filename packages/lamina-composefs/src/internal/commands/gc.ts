import * as Node from "@lamina/composefs/Node"
import * as ObjectStore from "@lamina/composefs/ObjectStore"
import type { Tree } from "@lamina/composefs/Tree"
import * as Effect from "effect/Effect"
import { command } from "../command.ts"
import { exitCodes, Misuse } from "../failure.ts"
import { printAll } from "../lines.ts"
import { printable } from "../names.ts"
import { flag, integer, texts } from "../options.ts"
import { existingStore } from "../store.ts"
import { storedTreeOf } from "../trees.ts"

export const gc = command({
  usage: "gc [OPTIONS] --root=SOURCE STORE",
  about:
    `Removes the objects of the directory STORE that none of the images or dumps given as roots needs, and what writers left
over that died. If a root cannot be read, nothing is removed.`,
  options: {
    root: texts("SOURCE", "An image or a dump whose objects are kept"),
    "dry-run": flag("Remove nothing, list what would go"),
    grace: integer(
      "SECONDS",
      "Keep what was stored within this time, for somebody may be about to use it (default 3600)",
      {
        least: 0,
        most: 10 ** 9
      }
    ),
    json: flag("Print the report as JSON")
  },
  operands: { least: 1, most: 1 },
  run: Effect.fnUntraced(function*(values, [directory = ""], io) {
    if (values.root.length === 0) {
      return yield* new Misuse({
        problem: "expected --root=SOURCE, once or more; to be rid of all objects, remove the directory"
      })
    }
    const roots: Array<Tree> = []
    for (const text of values.root) roots.push(yield* storedTreeOf(text, io))
    const store = yield* ObjectStore.open({ directory: yield* existingStore(directory), durability: "none" })
    const dryRun = values["dry-run"]
    const grace = values.grace === undefined ? undefined : `${values.grace} seconds` as const
    const report = yield* store.gc({ roots, dryRun, grace })
    if (values.json) yield* io.print(`${JSON.stringify(report, undefined, 2)}\n`)
    else yield* printAll(io, lines(report, dryRun))
    return exitCodes.ok
  })
})

function* lines(
  { digests, kept, removed, temporaries, young }: ObjectStore.GcReport,
  dryRun: boolean
): Generator<string> {
  if (dryRun) {
    for (const digest of digests) yield `would remove: ${Node.objectPath(digest)}\n`
    for (const path of temporaries) yield `would remove: ${printable(path)}\n`
  }
  const count = (what: ObjectStore.ObjectCount): string => `${what.objects} (${what.size} bytes)`
  yield `${dryRun ? "would remove" : "removed"} ${count(removed)}, kept ${count(kept)}, too young to go ${
    count(young)
  }\n`
}
