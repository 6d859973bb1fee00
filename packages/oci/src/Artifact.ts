/**
 * Artifacts: content of any kind behind a manifest, alone or attached to another manifest as its referrer.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"
import * as Descriptor from "./Descriptor.ts"
import * as Manifest from "./Manifest.ts"
import type { Registry } from "./Registry.ts"
import type { RegistryError } from "./RegistryError.ts"

/**
 * One piece of an artifact: bytes in memory, a stream whose descriptor is known, or what the repository holds already.
 *
 * @category models
 * @since 0.1.0
 */
export type Layer =
  | {
    readonly mediaType: string
    readonly bytes: Uint8Array
    readonly annotations?: Readonly<Record<string, string>> | undefined
  }
  | { readonly descriptor: Descriptor.Descriptor; readonly stream: Stream.Stream<Uint8Array, RegistryError> }
  | { readonly descriptor: Descriptor.Descriptor }

/**
 * What an artifact consists of. Without a `config`, and without `layers`, the empty document `{}` stands in.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  readonly artifactType: string
  readonly config?: Layer | undefined
  readonly layers?: ReadonlyArray<Layer> | undefined
  readonly annotations?: Readonly<Record<string, string>> | undefined
}

const emptyLayer: Layer = { descriptor: Manifest.emptyDescriptor }

/**
 * Pushes an artifact, its parts first, and returns the descriptor of its manifest.
 *
 * @category constructors
 * @since 0.1.0
 */
export const push = Effect.fn("Artifact.push")(function*(
  registry: Registry,
  repository: string,
  options: Options & {
    readonly subject?: Descriptor.Descriptor | undefined
    readonly tags?: ReadonlyArray<string> | undefined
  }
): Effect.fn.Return<Descriptor.Descriptor, RegistryError> {
  const layers = options.layers ?? []
  if (options.config === undefined || layers.length === 0) {
    yield* registry.putBlob(repository, Manifest.emptyDescriptor, Manifest.emptyBytes)
  }
  const manifest = Manifest.artifact({
    artifactType: options.artifactType,
    config: yield* pushLayer(registry, repository, options.config ?? emptyLayer),
    layers: yield* Effect.forEach(layers, (layer) => pushLayer(registry, repository, layer), { concurrency: 4 }),
    annotations: options.annotations,
    subject: options.subject
  })
  return yield* registry.putManifest(repository, manifest, { tags: options.tags })
})

const pushLayer = Effect.fnUntraced(function*(registry: Registry, repository: string, layer: Layer) {
  if ("bytes" in layer) {
    const extra = layer.annotations === undefined ? {} : { annotations: layer.annotations }
    const descriptor = Descriptor.ofBytes(layer.mediaType, layer.bytes, extra)
    yield* registry.putBlob(repository, descriptor, layer.bytes)
    return descriptor
  }
  if ("stream" in layer) yield* registry.putBlob(repository, layer.descriptor, layer.stream)
  return layer.descriptor
})

/**
 * Attaches an artifact to a manifest: it is found again with `Registry.referrers` of the subject's digest.
 *
 * @example
 * ```ts
 * import { Artifact, MemoryRegistry } from "@lamina/oci"
 * import { Effect } from "effect"
 *
 * const program = Effect.gen(function*() {
 *   const registry = yield* MemoryRegistry.make()
 *   const image = yield* Artifact.push(registry, "demo", { artifactType: "application/vnd.example" })
 *   yield* Artifact.attach(registry, "demo", image, {
 *     artifactType: "application/spdx+json",
 *     layers: [{ mediaType: "application/spdx+json", bytes: new TextEncoder().encode("{}") }]
 *   })
 *   return (yield* registry.referrers("demo", image.digest)).length
 * })
 *
 * console.log(await Effect.runPromise(program)) // => 1
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const attach = Effect.fn("Artifact.attach")(function*(
  registry: Registry,
  repository: string,
  subject: Descriptor.Descriptor,
  options: Options
): Effect.fn.Return<Descriptor.Descriptor, RegistryError> {
  return yield* push(registry, repository, { ...options, subject })
})
