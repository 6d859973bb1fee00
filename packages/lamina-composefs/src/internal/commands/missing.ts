import * as Node from "@lamina/composefs/Node"
import * as Tree from "@lamina/composefs/Tree"
import * as Effect from "effect/Effect"
import { existsSync } from "node:fs"
import { join } from "node:path/posix"
import { command } from "../command.ts"
import { exitCodes } from "../failure.ts"
import { printAll } from "../lines.ts"
import { escape, sorted, toPath } from "../names.ts"
import { existingStore } from "../store.ts"
import { storedTreeOf } from "../trees.ts"

export const missing = command({
  usage: "missing STORE SOURCE...",
  about:
    `Lists every object that one of the images or dumps needs and the directory STORE does not have, as composefs-info
missing-objects does. Ends with 1 if there is any.`,
  options: {},
  operands: { least: 2, most: 1000 },
  run: Effect.fnUntraced(function*(_, [directory = "", ...sources], io) {
    const store = yield* existingStore(directory)
    const needed = new Set<string>()
    for (const text of sources) {
      for (const { node } of Tree.externalFiles(yield* storedTreeOf(text, io))) {
        const object = node.payload ?? (node.digest === undefined ? undefined : Node.objectPath(node.digest))
        if (object !== undefined) needed.add(object)
      }
    }
    // As overlayfs goes: the store is the root, above which nothing leads.
    const absent = Array.from(needed).filter((object) => !existsSync(toPath(join(store, join("/", object)))))
    yield* printAll(io, sorted(absent).map((object) => `${escape(object, "escaped")}\n`))
    return absent.length === 0 ? exitCodes.ok : exitCodes.different
  })
})
