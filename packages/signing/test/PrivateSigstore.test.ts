import { assert, describe, it } from "@effect/vitest"
import { KeyPair, Signer, type SigningError, Statement, Verifier } from "@lamina/signing"
import { PrivateSigstore } from "@lamina/signing/testing"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import { createHash, generateKeyPairSync, sign } from "node:crypto"
import * as Fixture from "./fixture.ts"

const workflow = { repository: "acme/my-redis" }

const reason = <A>(effect: Effect.Effect<A, SigningError.SigningError>) =>
  Effect.match(effect, { onSuccess: () => "done", onFailure: ({ reason }) => reason._tag })

const requestOf = (identityToken: Redacted.Redacted, proof = "repo:acme/my-redis:ref:refs/tags/v0.1.0") => {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" })
  return {
    identityToken,
    publicKey: publicKey.export({ type: "spki", format: "der" }),
    proofOfPossession: sign("sha256", Buffer.from(proof), privateKey)
  }
}

describe("PrivateSigstore's authority", () => {
  it.effect("issues for a token of its own identity provider", () =>
    Effect.gen(function*() {
      const { certificateAuthority, identityToken } = yield* PrivateSigstore.make()
      assert.strictEqual(yield* reason(certificateAuthority.issue(requestOf(yield* identityToken(workflow)))), "done")
    }))

  it.effect("refuses another provider's token, a changed one and an expired one", () =>
    Effect.gen(function*() {
      const { certificateAuthority, identityToken } = yield* PrivateSigstore.make()
      const foreign = yield* (yield* PrivateSigstore.make()).identityToken(workflow)
      assert.strictEqual(yield* reason(certificateAuthority.issue(requestOf(foreign))), "InvalidIdentityToken")
      const token = yield* identityToken(workflow)
      const [header, , signature] = Redacted.value(token).split(".")
      const claims = Buffer.from("{\"sub\":\"root\"}").toString("base64url")
      const changed = Redacted.make(`${header}.${claims}.${signature}`)
      assert.strictEqual(yield* reason(certificateAuthority.issue(requestOf(changed))), "InvalidIdentityToken")
      yield* TestClock.adjust("11 minutes")
      assert.strictEqual(yield* reason(certificateAuthority.issue(requestOf(token))), "InvalidIdentityToken")
    }))

  it.effect("refuses a key that was not shown to be there", () =>
    Effect.gen(function*() {
      const { certificateAuthority, identityToken } = yield* PrivateSigstore.make()
      const token = yield* identityToken(workflow)
      assert.strictEqual(yield* reason(certificateAuthority.issue(requestOf(token, "else"))), "CertificateRefused")
    }))
})

describe("PrivateSigstore's log", () => {
  it.effect("refuses a signature that does not hold", () =>
    Effect.gen(function*() {
      const { transparencyLog } = yield* PrivateSigstore.make()
      const keyPair = yield* KeyPair.generate
      const entry = { kind: "hashedrekord", verifier: KeyPair.publicKeyPem(keyPair) } as const
      const message = Buffer.from("message")
      const signature = sign("sha256", message, keyPair.privateKey)
      assert.strictEqual(yield* reason(transparencyLog.upload({ ...entry, message, signature })), "done")
      const other = Buffer.from("other")
      assert.strictEqual(yield* reason(transparencyLog.upload({ ...entry, message: other, signature })), "LogRefused")
    }))

  it.effect("has the roots and the paths of RFC 6962 at every size", () =>
    Effect.gen(function*() {
      const { appendUnchecked } = yield* PrivateSigstore.make()
      const leaves: Array<Uint8Array> = []
      for (let index = 0; index < 70; index++) {
        const entry = yield* appendUnchecked({ kind: "test", apiVersion: "1", spec: index })
        leaves.push(entry.canonicalizedBody)
        assert(entry.inclusionProof !== undefined)
        const { hashes, logIndex, rootHash, treeSize } = entry.inclusionProof
        assert.deepStrictEqual([logIndex, treeSize], [String(index), String(leaves.length)])
        assert.deepStrictEqual(rootHash, rootOf(leaves))
        assert.deepStrictEqual(climb(entry.canonicalizedBody, index, leaves.length, [...hashes]), rootHash)
      }
    }))

  it.effect("goes on proving what later signatures need", () =>
    Effect.gen(function*() {
      const { sigstore, target } = yield* Fixture.make
      for (let index = 0; index < 9; index++) {
        yield* sigstore.signer(workflow).attest({ ...target, predicateType: "https://example/count", predicate: index })
      }
      const { attestations } = yield* Verifier.verifyAttestation({
        ...target,
        policy: Fixture.workflowPolicy,
        trustRoot: sigstore.trustRoot,
        predicateType: "https://example/count"
      })
      assert.strictEqual(attestations.length, 9)
    }))
})

/** RFC 6962 §2.1, written down as it stands there. */
const rootOf = (leaves: ReadonlyArray<Uint8Array>): Buffer => {
  const [first] = leaves
  if (first === undefined) return createHash("sha256").digest()
  if (leaves.length === 1) return createHash("sha256").update(Buffer.from([0])).update(first).digest()
  const middle = splitOf(leaves.length)
  return node(rootOf(leaves.slice(0, middle)), rootOf(leaves.slice(middle)))
}

const climb = (leaf: Uint8Array, index: number, size: number, path: Array<Buffer>): Buffer => {
  const top = path.pop()
  if (top === undefined) return rootOf([leaf])
  const middle = splitOf(size)
  return index < middle
    ? node(climb(leaf, index, middle, path), top)
    : node(top, climb(leaf, index - middle, size - middle, path))
}

const splitOf = (size: number): number => {
  let middle = 1
  while (middle * 2 < size) middle *= 2
  return middle
}

const node = (left: Buffer, right: Buffer): Buffer =>
  createHash("sha256").update(Buffer.from([1])).update(left).update(right).digest()

describe("Signer.keyless", () => {
  it.effect("refuses a token that is none before it asks anybody", () =>
    Effect.gen(function*() {
      const { certificateAuthority, transparencyLog } = yield* PrivateSigstore.make()
      const identityToken = Effect.succeed(Redacted.make("not.a.token"))
      const signer = Signer.keyless({ certificateAuthority, transparencyLog, identityToken })
      const statement = { _type: "https://in-toto.io/Statement/v1", subject: [{ digest: { sha256: "0" } }] } as const
      assert.strictEqual(
        yield* reason(signer.signStatement({ ...statement, predicateType: Statement.signaturePredicateType })),
        "InvalidIdentityToken"
      )
    }))
})
