import * as ObjectStore from "@lamina/composefs/ObjectStore"
import type { Tree } from "@lamina/composefs/Tree"
import * as Effect from "effect/Effect"
import { command } from "../command.ts"
import { exitCodes } from "../failure.ts"
import { printAll } from "../lines.ts"
import { printable } from "../names.ts"
import { flag } from "../options.ts"
import { counting } from "../progress.ts"
import { sourceOptions } from "../sourceOptions.ts"
import { existingStore } from "../store.ts"
import { storedTreeOf } from "../trees.ts"

export const fsck = command({
  usage: "fsck [OPTIONS] STORE [SOURCE...]",
  about:
    `Reads every object of the directory STORE and compares its fs-verity digest with its name. Of images or dumps that are
named too, every file is told whose object is corrupt, unreadable or missing. Ends with 1 if there is any such object.
Files that are no objects are told, and no fault.`,
  options: {
    threads: sourceOptions.threads,
    json: flag("Print the report as JSON")
  },
  operands: { least: 1, most: 1000 },
  run: Effect.fnUntraced(function*(values, [directory = "", ...sources], io) {
    const store = ObjectStore.reader(yield* existingStore(directory))
    const roots: Array<readonly [name: string, tree: Tree]> = []
    for (const text of sources) roots.push([text, yield* storedTreeOf(text, io)])
    const report = yield* counting(
      io,
      "objects",
      (show) => store.check({ roots, threads: values.threads, onProgress: ({ objects }) => show(objects) })
    )
    if (values.json) yield* io.print(`${JSON.stringify(report, undefined, 2)}\n`)
    else yield* printAll(io, lines(report))
    const faults = report.corrupt.length + report.unreadable.length + report.missing.length
    return faults === 0 ? exitCodes.ok : exitCodes.different
  })
})

function* lines(report: ObjectStore.FsckReport): Generator<string> {
  const { affected, corrupt, foreign, missing, objects, size, temporaries, unreadable } = report
  for (const { actual, digest } of corrupt) yield `corrupt: ${digest}, its content has ${actual}\n`
  for (const { digest, problem } of unreadable) yield `unreadable: ${digest}: ${printable(problem)}\n`
  for (const digest of missing) yield `missing: ${digest}\n`
  for (const { digest, path, problem, root } of affected) {
    yield `affected: ${printable(root)}: ${printable(path)} (${problem} ${digest})\n`
  }
  for (const path of temporaries) yield `half-written: ${printable(path)}\n`
  for (const path of foreign) yield `no object: ${printable(path)}\n`
  yield `${objects} objects, ${size} bytes, ${corrupt.length} corrupt, ${unreadable.length} unreadable, ` +
    `${missing.length} missing\n`
}
