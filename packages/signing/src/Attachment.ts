/**
 * Stores signatures beside an image, exactly where cosign looks for them.
 *
 * @since 0.1.0
 */
import { Descriptor, Manifest, MediaType, type Registry, RegistryError } from "@lamina/oci"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Bundle from "./Bundle.ts"
import * as SimpleSigning from "./SimpleSigning.ts"

/**
 * The image that something is stored beside: its repository and its descriptor there.
 *
 * @category models
 * @since 0.1.0
 */
export interface Target {
  readonly registry: Registry.Registry
  readonly repository: string
  readonly image: Descriptor.Descriptor
}

/**
 * Stores a bundle as a referrer of the image, as cosign 3 does. Referrers are only ever added, so nothing is lost.
 *
 * @category storing
 * @since 0.1.0
 */
export const putBundle = Effect.fn("Attachment.putBundle")(function*(
  { image, registry, repository }: Target,
  options: { readonly bundle: Uint8Array; readonly predicateType: string }
): Effect.fn.Return<Descriptor.Descriptor, RegistryError.RegistryError> {
  const layer = Descriptor.ofBytes(Bundle.mediaType, options.bundle)
  yield* registry.putBlob(repository, layer, options.bundle)
  yield* registry.putBlob(repository, Manifest.emptyDescriptor, Manifest.emptyBytes)
  const created = DateTime.formatIso(yield* DateTime.now)
  return yield* registry.putManifest(
    repository,
    Manifest.image({
      artifactType: Bundle.mediaType,
      config: { ...Manifest.emptyDescriptor, artifactType: Bundle.mediaType },
      layers: [layer],
      subject: image,
      annotations: {
        "dev.sigstore.bundle.content": "dsse-envelope",
        "dev.sigstore.bundle.predicateType": options.predicateType,
        "org.opencontainers.image.created": created
      }
    })
  )
})

/**
 * Adds a simple signing layer to the image's `.sig` tag, as cosign 1 and 2 do.
 *
 * The tag is read and written again, and registries offer nothing to do that safely: of two signers at the same moment
 * one may be lost. Bundles do not have that fault.
 *
 * @category storing
 * @since 0.1.0
 */
export const putSimpleSigning = Effect.fn("Attachment.putSimpleSigning")(function*(
  { image, registry, repository }: Target,
  options: { readonly payload: Uint8Array; readonly annotations: { readonly [name: string]: string } }
): Effect.fn.Return<Descriptor.Descriptor, RegistryError.RegistryError> {
  const tag = SimpleSigning.tag(image.digest)
  const layer = Descriptor.ofBytes(SimpleSigning.mediaType, options.payload, { annotations: options.annotations })
  yield* registry.putBlob(repository, layer, options.payload)
  const layers = [...yield* layersOf(registry, repository, tag), layer]
  const config = configBytes(layers)
  const configDescriptor = Descriptor.ofBytes(MediaType.imageConfig, config)
  yield* registry.putBlob(repository, configDescriptor, config)
  return yield* registry.putManifest(repository, Manifest.image({ config: configDescriptor, layers }), { tags: [tag] })
})

const layersOf = (
  registry: Registry.Registry,
  repository: string,
  tag: string
): Effect.Effect<ReadonlyArray<Descriptor.Descriptor>, RegistryError.RegistryError> =>
  registry.getManifest(repository, tag).pipe(
    Effect.flatMap(({ bytes, descriptor }) =>
      Effect.fromResult(Manifest.parse(bytes, descriptor.mediaType)).pipe(
        Effect.mapError((reason) =>
          new RegistryError.RegistryError({ operation: "getManifest", subject: `${repository}:${tag}`, reason })
        )
      )
    ),
    Effect.flatMap((manifest) =>
      manifest._tag === "Image"
        ? Effect.succeed(manifest.document.layers)
        : Effect.fail(
          new RegistryError.RegistryError({
            operation: "putManifest",
            subject: `${repository}:${tag}`,
            reason: new RegistryError.Malformed({
              what: "list of signatures",
              detail: "expected an image manifest, got an index, which will not be overwritten"
            })
          })
        )
    ),
    Effect.catchIf(RegistryError.isNotFound, () => Effect.succeed([]))
  )

/** An image's configuration with nothing in it but its layers, which tools that know images only can read. */
const configBytes = (layers: ReadonlyArray<Descriptor.Descriptor>): Uint8Array =>
  new TextEncoder().encode(JSON.stringify({
    architecture: "",
    os: "",
    config: {},
    rootfs: { type: "layers", diff_ids: layers.map(({ digest }) => digest) }
  }))
