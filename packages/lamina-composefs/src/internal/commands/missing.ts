import * as Node from "@lamina/composefs/Node"
import * as ObjectStore from "@lamina/composefs/ObjectStore"
import * as Effect from "effect/Effect"
import { command } from "../command.ts"
import { exitCodes } from "../failure.ts"
import { existingDirectory } from "../files.ts"
import { printAll } from "../lines.ts"
import { storedTreeOf } from "../trees.ts"

export const missing = command({
  usage: "missing STORE SOURCE...",
  about:
    `Lists every object that one of the images or dumps needs and the directory STORE does not have, as composefs-info
missing-objects does. Ends with 1 if there is any.`,
  options: {},
  operands: { least: 2, most: 1000 },
  run: Effect.fnUntraced(function*(_, [directory = "", ...sources], io) {
    const store = yield* ObjectStore.open({ directory: yield* existingDirectory(directory), durability: "none" })
    const absent = new Set<string>()
    for (const text of sources) {
      for (const { digest } of yield* store.missing(yield* storedTreeOf(text, io))) {
        if (digest !== undefined) absent.add(Node.objectPath(digest))
      }
    }
    yield* printAll(io, Array.from(absent).sort().map((path) => `${path}\n`))
    return absent.size === 0 ? exitCodes.ok : exitCodes.different
  })
})
