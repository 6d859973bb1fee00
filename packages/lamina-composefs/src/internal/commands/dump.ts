import * as Dump from "@lamina/composefs/Dump"
import * as Effect from "effect/Effect"
import { command } from "../command.ts"
import * as Source from "../source.ts"
import { sourceOptions } from "../sourceOptions.ts"
import { treeOf } from "../trees.ts"

export const dump = command({
  usage: "dump [OPTIONS] SOURCE...",
  about: "Prints every file of each SOURCE as a line of the format composefs-dump(5), which mkfs takes back.",
  options: sourceOptions,
  operands: { least: 1, most: 1000 },
  run: Effect.fnUntraced(function*(values, sources, io) {
    for (const text of sources) {
      const tree = yield* treeOf(yield* Source.open(text, io), values, io)
      for (const chunk of Dump.printChunks(tree)) yield* io.print(chunk)
    }
    return 0
  })
})
