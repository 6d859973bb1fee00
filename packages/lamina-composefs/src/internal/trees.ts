/** The tree of any source. */
import type { ObjectStore } from "@lamina/composefs"
import * as Effect from "effect/Effect"
import { type DirectoryValues, scan } from "./directory.ts"
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
