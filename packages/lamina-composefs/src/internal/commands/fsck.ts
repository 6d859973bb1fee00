import * as ObjectStore from "@lamina/composefs/ObjectStore"
import * as Effect from "effect/Effect"
import { command } from "../command.ts"
import { exitCodes } from "../failure.ts"
import { existingDirectory } from "../files.ts"
import { printAll } from "../lines.ts"
import { printable } from "../names.ts"
import { flag } from "../options.ts"

export const fsck = command({
  usage: "fsck [OPTIONS] STORE",
  about:
    `Reads every object of the directory STORE and compares its fs-verity digest with its name. Ends with 1 if one is
corrupt. Files that are no objects are told, and no fault.`,
  options: { json: flag("Print the report as JSON") },
  operands: { least: 1, most: 1 },
  run: Effect.fnUntraced(function*(values, [directory = ""], io) {
    const store = yield* ObjectStore.open({ directory: yield* existingDirectory(directory), durability: "none" })
    const report = yield* store.fsck
    if (values.json) yield* io.print(`${JSON.stringify(report, undefined, 2)}\n`)
    else yield* printAll(io, lines(report))
    return report.corrupt.length === 0 ? exitCodes.ok : exitCodes.different
  })
})

function* lines(report: ObjectStore.FsckReport): Generator<string> {
  for (const { actual, digest } of report.corrupt) yield `corrupt: ${digest}, its content has ${actual}\n`
  for (const path of report.foreign) yield `no object: ${printable(path)}\n`
  yield `${report.objects} objects, ${report.size} bytes, ${report.corrupt.length} corrupt\n`
}
