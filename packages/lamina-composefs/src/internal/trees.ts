/** The tree of any source. */
import type * as ObjectStore from "@lamina/composefs/ObjectStore"
import * as Effect from "effect/Effect"
import { type DirectoryValues, scan } from "./directory.ts"
import { Misuse } from "./failure.ts"
import type { Io } from "./io.ts"
import * as Source from "./source.ts"

/** Reads the tree of a source, whatever it is. */
export const treeOf = Effect.fnUntraced(function*(
  source: Source.Source,
  values: DirectoryValues,
  io: Io,
  objects?: ObjectStore.ObjectStore
) {
  return source.kind === "directory"
    ? yield* scan(source.path, values, io, objects)
    : yield* Source.readTree(source, io)
})

/** Reads sources which are images or dumps: commands about stores have no use for directories. */
export const storedTreeOf = Effect.fnUntraced(function*(text: string, io: Io) {
  const source = yield* Source.open(text, io)
  if (source.kind !== "directory") return yield* Source.readTree(source, io)
  return yield* new Misuse({ problem: `${text} is a directory: expected an image or a dump` })
})
