/** Flattens the layers of an image, base first, to the one tree that a container would see. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { createHash } from "node:crypto"
import type { ContentSink } from "../../Content.ts"
import * as FsVerity from "../../FsVerity.ts"
import type { Tree } from "../../Tree.ts"
import { decompress } from "../decompress.ts"
import { Input } from "../layer/input.ts"
import { recommendedInlineSize } from "../limits.ts"
import { readLayer } from "./archive.ts"
import type { PathRules } from "./branch.ts"
import { Budget } from "./budget.ts"
import { applyRules, type TreeRules } from "./canonicalize.ts"
import { compressionOf, sniff } from "./compression.ts"
import { FlattenError } from "./flattenError.ts"
import { freeze } from "./freeze.ts"
import { Overlay } from "./overlay.ts"

/**
 * A layer of an image, as its manifest lists it. `@lamina/oci`'s `Image.layers` have this shape.
 *
 * @category models
 * @since 0.1.0
 */
export interface LayerSource<E = never, R = never> {
  /** Of OCI or Docker: tar, gzip or zstd. With `application/octet-stream` the first bytes decide. */
  readonly mediaType: string
  /** The layer's bytes, read once. Whoever hands it over confirms its digest. */
  readonly content: Stream.Stream<Uint8Array, E, R>
  /** `sha256:<hex>` of the archive inside, as the image's config has it; confirmed where it is given. */
  readonly diffId?: string | undefined
}

/**
 * How layers become a tree. The limits hold hostile layers within bounds, and are for all layers together.
 *
 * @category models
 * @since 0.1.0
 */
export interface LayersOptions {
  /** What the layers mean. Default `Flatten.oci`; for composefs-rs' digests, `Flatten.composefsRs`. */
  readonly flatten?: (PathRules & TreeRules) | undefined
  /** Stores every external content while it is read. Default: contents are hashed and forgotten. */
  readonly objects?: ContentSink | undefined
  /** How contents are hashed where there are no `objects`. Default SHA-256. */
  readonly using?: FsVerity.Parameters | undefined
  /** Files up to this size, in bytes, go into the image. Default 64; another value gives another image. */
  readonly inlineLimit?: number | undefined
  /** Most bytes of archives, uncompressed. Default 64 GiB. */
  readonly maxArchiveSize?: number | undefined
  /** Most entries, and most directories that no layer describes. Default two million. */
  readonly maxEntries?: number | undefined
  /** Most bytes of PAX headers and long names, which are held in memory. Default 256 MiB. */
  readonly maxMetadataSize?: number | undefined
}

/**
 * What went by of a layer.
 *
 * @category models
 * @since 0.1.0
 */
export interface LayerSummary {
  readonly mediaType: string
  /** `sha256:<hex>` of the uncompressed archive. */
  readonly diffId: string
  /** Bytes of the uncompressed archive. */
  readonly archiveSize: number
  readonly entries: number
}

/**
 * A tree made from layers.
 *
 * @category models
 * @since 0.1.0
 */
export interface FlattenedLayers {
  readonly tree: Tree
  readonly layers: ReadonlyArray<LayerSummary>
}

const defaultMaxArchiveSize = 64 * 1024 ** 3
const defaultMaxEntries = 2_000_000
const defaultMaxMetadataSize = 256 * 1024 ** 2

export const flattenLayers = Effect.fnUntraced(function*<E, R>(
  layers: Iterable<LayerSource<E, R>>,
  options: LayersOptions,
  rules: PathRules & TreeRules
) {
  const budget = new Budget({
    maxArchiveSize: options.maxArchiveSize ?? defaultMaxArchiveSize,
    maxEntries: options.maxEntries ?? defaultMaxEntries,
    maxMetadataSize: options.maxMetadataSize ?? defaultMaxMetadataSize
  })
  const overlay = new Overlay(rules, budget.limits.maxEntries)
  const summaries: Array<LayerSummary> = []
  for (const layer of layers) {
    summaries.push(yield* flattenLayer(layer, summaries.length, overlay, options, budget))
  }
  const reason = applyRules(overlay.root, rules)
  if (reason !== undefined) return yield* new FlattenError({ reason: { _tag: "Unsuitable", ...reason } })
  return { tree: freeze(overlay.root), layers: summaries }
})

const flattenLayer = Effect.fnUntraced(function*<E, R>(
  { content, diffId, mediaType }: LayerSource<E, R>,
  layer: number,
  overlay: Overlay,
  options: LayersOptions,
  budget: Budget
) {
  const entriesBefore = budget.entries
  const archive = createHash("sha256")
  let archiveSize = 0
  const metered = Stream.mapEffect(yield* archiveOf(content, mediaType, layer), (chunk) => {
    archive.update(chunk)
    archiveSize += chunk.length
    const problem = budget.addArchive(chunk.length)
    return problem === undefined
      ? Effect.succeed(chunk)
      : Effect.fail(new FlattenError({ reason: { _tag: "LimitExceeded", layer, problem } }))
  })
  const input = new Input(yield* Stream.toPull(metered))
  yield* readLayer(input, overlay, {
    layer,
    budget,
    objects: options.objects,
    using: options.using ?? FsVerity.sha256,
    inlineLimit: options.inlineLimit ?? recommendedInlineSize
  })
  const actual = `sha256:${archive.digest("hex")}`
  if (diffId !== undefined && diffId !== actual) {
    return yield* new FlattenError({ reason: { _tag: "DiffIdMismatch", layer, expected: diffId, actual } })
  }
  return { mediaType, diffId: actual, archiveSize, entries: budget.entries - entriesBefore }
}, Effect.scoped)

const archiveOf = Effect.fnUntraced(function*<E, R>(
  content: Stream.Stream<Uint8Array, E, R>,
  mediaType: string,
  layer: number
) {
  const services = yield* Effect.context<R>()
  const provided = Stream.provideContext(content, services)
  const compression = compressionOf(mediaType)
  if (Result.isFailure(compression)) {
    const problem = compression.failure
    return yield* new FlattenError({ reason: { _tag: "UnsupportedMediaType", layer, mediaType, problem } })
  }
  const found = compression.success === undefined
    ? yield* sniff(provided)
    : { compression: compression.success, content: provided }
  const fail = (problem: string) => new FlattenError({ reason: { _tag: "Compression", layer, problem } })
  return decompress(found.content, found.compression, fail)
})
