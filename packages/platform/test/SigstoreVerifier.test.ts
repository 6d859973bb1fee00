import { assert, describe, it } from "@effect/vitest"
import { SignatureVerifier } from "@lamina/core"
import { Digest, Manifest, MemoryRegistry, type Registry, RegistryError } from "@lamina/oci"
import { SigstoreVerifier } from "@lamina/platform"
import { KeyPair, Signer } from "@lamina/signing"
import { PrivateSigstore } from "@lamina/signing/testing"
import * as Effect from "effect/Effect"

const repository = "acme/my-redis"
const identity = "https://git.example/acme/my-redis/.gitea/workflows/build.yaml@refs/tags/v0.1.0"
const issuer = "https://git.example/api/actions"

const keyless = (change: object = {}): SignatureVerifier.TrustPolicy => ({
  signers: [{ kind: "keyless", issuer: { exact: issuer }, identity: { exact: identity }, ...change }]
})

const world = Effect.gen(function*() {
  const registry = yield* MemoryRegistry.make()
  const sigstore = yield* PrivateSigstore.make()
  const { digest } = yield* registry.putManifest(repository, Manifest.index({ manifests: [] }))
  const verify = (policy: SignatureVerifier.TrustPolicy, options: Partial<SigstoreVerifier.Options> = {}) =>
    Effect.flatMap(SignatureVerifier.SignatureVerifier, (verifier) => verifier.verify(repository, digest, policy)).pipe(
      Effect.provide(SigstoreVerifier.layer({ registry, trustRoot: sigstore.trustRoot, ...options }))
    )
  const sign = (signer: Signer.Signer, form: "bundle" | "simplesigning" = "bundle") =>
    signer.sign({ registry, repository, digest, form })
  return { registry, sigstore, digest, verify, sign }
})

const rejection = (verdict: SignatureVerifier.SignatureVerdict) =>
  verdict.verified ? assert.fail(`verified: ${verdict.signer}`) : verdict

describe("a verdict", () => {
  for (const form of ["bundle", "simplesigning"] as const) {
    it.effect(`says who signed a ${form} that the policy trusts, and for which issuer`, () =>
      Effect.gen(function*() {
        const { sign, sigstore, verify } = yield* world
        yield* sign(sigstore.signer({ repository }), form)
        const verdict = yield* verify(keyless())
        assert.isTrue(verdict.verified)
        if (!verdict.verified) return
        assert.deepStrictEqual(
          { ...verdict, signatureDigest: Digest.is(verdict.signatureDigest) },
          { verified: true, signatureDigest: true, signer: identity, issuer, form }
        )
      }))
  }

  it.effect("trusts an identity by a pattern that matches all of it, not a part", () =>
    Effect.gen(function*() {
      const { sign, sigstore, verify } = yield* world
      yield* sign(sigstore.signer({ repository }))
      const whole = { identity: { pattern: "https://git\\.example/acme/my-redis/.+@refs/tags/v.+" } }
      assert.isTrue((yield* verify(keyless(whole))).verified)
      const part = { identity: { pattern: "acme/my-redis" } }
      assert.strictEqual(rejection(yield* verify(keyless(part))).tag, "IdentityMismatch")
    }))

  it.effect("refuses another identity, and names it", () =>
    Effect.gen(function*() {
      const { sign, sigstore, verify } = yield* world
      yield* sign(sigstore.signer({ repository: "mallory/my-redis" }))
      const { message, rejected, tag } = rejection(yield* verify(keyless()))
      assert.strictEqual(tag, "IdentityMismatch")
      assert.include(message, "mallory/my-redis")
      assert.deepStrictEqual(rejected.map(({ tag }) => tag), ["IdentityMismatch"])
    }))

  it.effect("refuses the right identity by another issuer", () =>
    Effect.gen(function*() {
      const { sign, sigstore, verify } = yield* world
      const other = "https://forge.example.net/api/actions"
      yield* sign(Signer.keyless({
        certificateAuthority: sigstore.misissuing({ issuerV1: other, issuerV2: other }),
        transparencyLog: sigstore.transparencyLog,
        identityToken: sigstore.identityToken({ repository })
      }))
      const { message, tag } = rejection(yield* verify(keyless()))
      assert.strictEqual(tag, "IdentityMismatch")
      assert.include(message, other)
    }))

  it.effect("refuses what nobody signed", () =>
    Effect.gen(function*() {
      const { verify } = yield* world
      const { rejected, tag } = rejection(yield* verify(keyless()))
      assert.deepStrictEqual([tag, rejected], ["NoCandidates", []])
    }))

  it.effect("refuses a signature that another authority stands behind, or none", () =>
    Effect.gen(function*() {
      const { sign, sigstore, verify } = yield* world
      yield* sign(sigstore.signer({ repository }))
      const { trustRoot } = yield* PrivateSigstore.make()
      assert.isFalse((yield* verify(keyless(), { trustRoot })).verified)
      assert.strictEqual(rejection(yield* verify(keyless(), { trustRoot: undefined })).tag, "TrustRootMissing")
    }))

  it.effect("takes one trusted signature among others", () =>
    Effect.gen(function*() {
      const { sign, sigstore, verify } = yield* world
      yield* sign(sigstore.signer({ repository: "mallory/my-redis" }))
      yield* sign(sigstore.signer({ repository }))
      assert.isTrue((yield* verify(keyless())).verified)
    }))

  const unusable: Readonly<Record<string, SignatureVerifier.TrustPolicy>> = {
    "no signers": { signers: [] },
    "a broken pattern": keyless({ identity: { pattern: "(" } }),
    "a pattern for everybody": keyless({ identity: { pattern: ".*" } }),
    "a key that is none": { signers: [{ kind: "key", publicKeyPem: "not PEM" }] }
  }
  for (const [name, policy] of Object.entries(unusable)) {
    it.effect(`trusts nobody under a policy with ${name}`, () =>
      Effect.gen(function*() {
        const { sign, sigstore, verify } = yield* world
        yield* sign(sigstore.signer({ repository }))
        assert.strictEqual(rejection(yield* verify(policy)).tag, "InvalidTrustPolicy")
      }))
  }

  it.effect("counts a key's signature that is in a transparency log, and one that is not only where that is allowed", () =>
    Effect.gen(function*() {
      const { sign, sigstore, verify } = yield* world
      const keyPair = yield* KeyPair.generate
      const policy: SignatureVerifier.TrustPolicy = {
        signers: [{ kind: "key", publicKeyPem: KeyPair.publicKeyPem(keyPair) }]
      }
      yield* sign(Signer.key({ keyPair }))
      assert.isFalse((yield* verify(policy)).verified)
      assert.isTrue((yield* verify(policy, { keysRequireTransparencyLog: false, trustRoot: undefined })).verified)
      yield* sign(Signer.key({ keyPair, transparencyLog: sigstore.transparencyLog }))
      const verdict = yield* verify(policy)
      assert.isTrue(verdict.verified)
      assert.notProperty(verdict, "issuer")
    }))
})

describe("no verdict is given", () => {
  const failing = (registry: Registry.Registry, reason: RegistryError.Reason): Registry.Registry => ({
    ...registry,
    referrers: () =>
      Effect.fail(new RegistryError.RegistryError({ operation: "referrers", subject: repository, reason }))
  })

  it.effect("while the registry is away, and it may be asked again", () =>
    Effect.gen(function*() {
      const { registry, verify } = yield* world
      for (const reason of [new RegistryError.Unavailable({ detail: "refused" }), new RegistryError.RateLimited({})]) {
        const error = yield* Effect.flip(verify(keyless(), { registry: failing(registry, reason) }))
        assert.deepStrictEqual([error._tag, error.retryable], ["SignatureVerifierError", true])
      }
    }))

  it.effect("when the registry denies, and asking again is useless", () =>
    Effect.gen(function*() {
      const { registry, verify } = yield* world
      const denied = failing(registry, new RegistryError.Unauthorized({ status: 403, detail: "no" }))
      assert.isFalse((yield* Effect.flip(verify(keyless(), { registry: denied }))).retryable)
    }))

  it.effect("while the content of a signature cannot be fetched", () =>
    Effect.gen(function*() {
      const { registry, sign, sigstore, verify } = yield* world
      yield* sign(sigstore.signer({ repository }))
      const broken: Registry.Registry = {
        ...registry,
        getBlob: () =>
          Effect.fail(
            new RegistryError.RegistryError({
              operation: "getBlob",
              subject: repository,
              reason: new RegistryError.Unavailable({ detail: "cut" })
            })
          )
      }
      assert.isTrue((yield* Effect.flip(verify(keyless(), { registry: broken }))).retryable)
    }))

  it.effect("for something that is no digest", () =>
    Effect.gen(function*() {
      const { registry } = yield* world
      const verifier = yield* Effect.provide(
        SignatureVerifier.SignatureVerifier,
        SigstoreVerifier.layer({ registry, trustRoot: undefined })
      )
      const error = yield* Effect.flip(verifier.verify(repository, "latest", keyless()))
      assert.isFalse(error.retryable)
      assert.include(error.message, "acme/my-redis@latest")
    }))
})
