import { type Descriptor, Manifest, MemoryRegistry, type Registry } from "@lamina/oci"
import { Attachment, Bundle, Rejection, Statement, TrustPolicy, Verifier } from "@lamina/signing"
import { PrivateSigstore } from "@lamina/signing/testing"
import * as Effect from "effect/Effect"

export const repository = "acme/my-redis"
export const identity = "https://git.example/acme/my-redis/.gitea/workflows/build.yaml@refs/tags/v0.1.0"
export const issuer = "https://git.example/api/actions"

export interface Fixture {
  readonly registry: Registry.Registry
  readonly sigstore: PrivateSigstore.PrivateSigstore
  readonly image: Descriptor.Descriptor
  readonly target: Pick<Verifier.Options, "registry" | "repository" | "digest">
}

/** A registry with one image, and a private Sigstore. */
export const make: Effect.Effect<Fixture> = Effect.gen(function*() {
  const registry = yield* MemoryRegistry.make()
  const image = yield* pushImage(registry, "first")
  const sigstore = yield* PrivateSigstore.make()
  return { registry, sigstore, image, target: { registry, repository, digest: image.digest } }
})

/** Pushes an image that differs from others by its mark. */
export const pushImage = (registry: Registry.Registry, mark: string): Effect.Effect<Descriptor.Descriptor> =>
  Effect.gen(function*() {
    yield* registry.putBlob(repository, Manifest.emptyDescriptor, Manifest.emptyBytes)
    const manifest = Manifest.artifact({ artifactType: "application/vnd.example", annotations: { mark } })
    return yield* registry.putManifest(repository, manifest)
  }).pipe(Effect.orDie)

export const policyOf = (document: TrustPolicy.Document): TrustPolicy.TrustPolicy =>
  Effect.runSync(Effect.fromResult(TrustPolicy.decode(document)))

/** Trusts the workflow's signer, or a variation of it. */
export const keylessPolicy = (change: object, transparencyLogs?: number): TrustPolicy.TrustPolicy =>
  policyOf({
    signers: [{ kind: "keyless", issuer: { exact: issuer }, identity: { exact: identity }, ...change }],
    ...(transparencyLogs === undefined ? {} : { transparencyLogs })
  })

export const workflowPolicy: TrustPolicy.TrustPolicy = keylessPolicy({})

export const verify = (
  { sigstore, target }: Fixture,
  options?: Partial<Verifier.Options>
) => Verifier.verifyImage({ ...target, policy: workflowPolicy, trustRoot: sigstore.trustRoot, ...options })

/** The tags of the reasons for which every candidate was refused, or that of the whole where there was none. */
export const refusals = <A, E>(
  verification: Effect.Effect<A, Rejection.VerificationFailed | E>
): Effect.Effect<ReadonlyArray<string>> =>
  Effect.match(verification, {
    onSuccess: () => ["accepted"],
    onFailure: (error) => {
      if (!(error instanceof Rejection.VerificationFailed)) return [String(error)]
      return error.candidates.length === 0 ? [error.reason._tag] : error.candidates.map(({ reason }) => reason._tag)
    }
  })

export const fixtureTarget = ({ image, registry }: Fixture): Attachment.Target => ({ registry, repository, image })

/** A statement by which the fixture's image is signed. */
export const statementOf = ({ image }: Fixture): Statement.Statement =>
  Statement.make({ digest: image.digest, predicateType: Statement.signaturePredicateType })

/** Stores a bundle beside the fixture's image, whatever is in it. */
export const putBundle = (fixture: Fixture, bundle: Bundle.Bundle) => putBytes(fixture, Bundle.encode(bundle))

/** Stores bytes as a bundle beside the fixture's image. */
export const putBytes = (fixture: Fixture, bytes: Uint8Array | string) =>
  Attachment.putBundle(fixtureTarget(fixture), {
    bundle: typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes,
    predicateType: Statement.signaturePredicateType
  })

export const entriesOf = (bundle: Bundle.Bundle): ReadonlyArray<Bundle.LogEntry> =>
  bundle.verificationMaterial.tlogEntries

export const withEntries = (bundle: Bundle.Bundle, tlogEntries: ReadonlyArray<Bundle.LogEntry>): Bundle.Bundle => ({
  ...bundle,
  verificationMaterial: { ...bundle.verificationMaterial, tlogEntries: [...tlogEntries] }
})
