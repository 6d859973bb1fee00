/** The tree of any source. */
import type { ContentSource } from "@lamina/composefs/Content"
import type * as ObjectStore from "@lamina/composefs/ObjectStore"
import type { Tree } from "@lamina/composefs/Tree"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { type Failure, Misuse } from "./failure.ts"
import type { Io } from "./io.ts"
import type { Located } from "./oci/layers.ts"
import * as Source from "./source.ts"
import type { SourceValues } from "./sourceOptions.ts"

/** A tree, and its contents where the source has them. */
export interface Found {
  readonly tree: Tree
  readonly contents?: ContentSource
}

/** Reads the tree of a source, whatever it is. */
export const treeOf = (source: Source.Source, values: SourceValues, io: Io) =>
  Effect.map(contentsOf(source, values, io), ({ tree }) => tree)

/** Reads the tree of a source and its contents, into a store if there is one. What a source needs is loaded for it. */
export const contentsOf = Effect.fnUntraced(function*(
  source: Source.Source,
  values: SourceValues,
  io: Io,
  objects?: ObjectStore.ObjectStore
): Effect.fn.Return<Found, Failure, Scope.Scope> {
  switch (source.kind) {
    case "directory": {
      const { scan } = yield* Effect.promise(() => import("./scan.ts"))
      return yield* scan(source.path, values, io, objects)
    }
    case "layout":
    case "registry": {
      const { flatten } = yield* Effect.promise(() => import("./oci/layers.ts"))
      return yield* flatten(yield* locate(source, values, io), values, io, objects)
    }
    default:
      return { tree: yield* readTree(source, io) }
  }
})

/** The client of registries is large, so it is only loaded for them. */
const locate = Effect.fnUntraced(function*(
  { kind, path }: Source.Source,
  values: SourceValues,
  io: Io
): Effect.fn.Return<Located, Failure, Scope.Scope> {
  if (kind === "layout") {
    const Layout = yield* Effect.promise(() => import("./oci/layout.ts"))
    return yield* Layout.locate(path)
  }
  const Registry = yield* Effect.promise(() => import("./oci/registry.ts"))
  return yield* Registry.locate(path, values, io)
})

/** Reads a source that is an image or a dump. */
const readTree = Effect.fnUntraced(function*(source: Source.Source, io: Io) {
  const content = yield* Source.contentOf(source, io)
  const named = (error: { readonly message: string }) => Source.malformed(source, error)
  if (source.kind === "image") {
    const Image = yield* Effect.promise(() => import("@lamina/composefs/Image"))
    return (yield* Effect.mapError(Effect.fromResult(Image.read(content)), named)).tree
  }
  const Dump = yield* Effect.promise(() => import("@lamina/composefs/Dump"))
  return yield* Effect.mapError(Effect.fromResult(Dump.parse(content)), named)
})

/** Reads sources which are images or dumps: commands about stores have no use for directories. */
export const storedTreeOf = Effect.fnUntraced(function*(text: string, io: Io) {
  const source = yield* Source.open(text, io)
  if (source.kind === "image" || source.kind === "dump") return yield* readTree(source, io)
  return yield* new Misuse({ problem: `${text}: expected an image or a dump` })
})
