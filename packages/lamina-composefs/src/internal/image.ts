/** The image of any source. */
import * as Image from "@lamina/composefs/Image"
import type * as ObjectStore from "@lamina/composefs/ObjectStore"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Failure } from "./failure.ts"
import type { Io } from "./io.ts"
import * as Source from "./source.ts"
import type { SourceValues } from "./sourceOptions.ts"
import { contentsOf } from "./trees.ts"

/** Writes the image of a source; those of a dump and a directory without making a tree on the way. */
export const imageOf = Effect.fnUntraced(function*(
  source: Source.Source,
  values: SourceValues,
  io: Io,
  options?: Image.WriteOptions & { readonly strict?: boolean },
  objects?: ObjectStore.ObjectStore
): Effect.fn.Return<Uint8Array, Failure, Scope.Scope> {
  if (source.kind === "dump") {
    return yield* Effect.mapError(
      Effect.fromResult(Image.fromDump(yield* Source.contentOf(source, io), options)),
      (error) => Source.malformed(source, error)
    )
  }
  if (source.kind === "directory") {
    const { scanImage } = yield* Effect.promise(() => import("./scan.ts"))
    return yield* scanImage(source.path, values, io, objects, options)
  }
  const { tree } = yield* contentsOf(source, values, io, objects)
  return yield* Effect.fromResult(Image.write(tree, options))
})
