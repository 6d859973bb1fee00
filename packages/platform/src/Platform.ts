/**
 * The wiring: core's ports met by their adapters, as one layer.
 *
 * Hosts with Effect provide `layer` to core's operations; hosts without use `createPlatform`.
 *
 * @since 0.1.0
 */
import type {
  ArtifactSource,
  JobQueue,
  SecretBox,
  SignatureVerifier,
  Storage,
  WebhookAuthenticator
} from "@lamina/core"
import type { Registry } from "@lamina/oci"
import type { TrustRoot } from "@lamina/signing"
import * as Layer from "effect/Layer"
import * as AesSecretBox from "./adapters/AesSecretBox.ts"
import * as GiteaAuthenticator from "./adapters/GiteaAuthenticator.ts"
import * as OciArtifactSource from "./adapters/OciArtifactSource.ts"
import * as SigstoreVerifier from "./adapters/SigstoreVerifier.ts"

/**
 * Every service that core's operations ask for.
 *
 * @category services
 * @since 0.1.0
 */
export type Services =
  | Storage.Storage
  | JobQueue.JobQueue
  | ArtifactSource.ArtifactSource
  | SignatureVerifier.SignatureVerifier
  | WebhookAuthenticator.WebhookAuthenticator
  | SecretBox.SecretBox

/**
 * What a platform is made of.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options<E> {
  /** `MemoryStorage.layer`, `PostgresStorage.layer(…)`, or a host's own that passes the contract suite. */
  readonly storage: Layer.Layer<Storage.Storage | JobQueue.JobQueue, E>
  /** Where modules are published, with their signatures. */
  readonly registry: Registry.Registry
  /** Without one, only signatures by keys that need no transparency log can be accepted. */
  readonly trustRoot?: TrustRoot.TrustRoot | undefined
  readonly secrets: AesSecretBox.Options
  readonly webhooks?: GiteaAuthenticator.Options | undefined
  readonly artifacts?: Omit<OciArtifactSource.Options, "registry"> | undefined
  readonly signatures?: Omit<SigstoreVerifier.Options, "registry" | "trustRoot"> | undefined
}

/**
 * Wires a platform.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = <E>(options: Options<E>): Layer.Layer<Services, E | AesSecretBox.WeakKey> =>
  Layer.mergeAll(
    options.storage,
    OciArtifactSource.layer({ ...options.artifacts, registry: options.registry }),
    SigstoreVerifier.layer({ ...options.signatures, registry: options.registry, trustRoot: options.trustRoot }),
    GiteaAuthenticator.layer(options.webhooks),
    AesSecretBox.layer(options.secrets)
  )
