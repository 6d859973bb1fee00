import * as Tree from "@lamina/composefs/Tree"
import * as Effect from "effect/Effect"
import { command } from "../command.ts"
import { printAll } from "../lines.ts"
import { escape, sorted } from "../names.ts"
import { storedTreeOf } from "../trees.ts"

export const objects = command({
  usage: "objects SOURCE...",
  about:
    "Lists every object that one of the images or dumps needs, once and in order: the output of composefs-info objects.",
  options: {},
  operands: { least: 1, most: 1000 },
  run: Effect.fnUntraced(function*(_, sources, io) {
    const found = new Set<string>()
    for (const text of sources) {
      for (const { node } of Tree.externalFiles(yield* storedTreeOf(text, io))) {
        if (node.payload !== undefined) found.add(node.payload)
      }
    }
    yield* printAll(io, sorted(found).map((payload) => `${escape(payload, "escaped")}\n`))
    return 0
  })
})
