import { assert, describe, it } from "@effect/vitest"
import { TrustRoot } from "@lamina/signing"
import { PrivateSigstore } from "@lamina/signing/testing"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { generateKeyPairSync, sign } from "node:crypto"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

/** A trusted root with one of its parts replaced, by the path to it. */
const withPart = (root: unknown, path: ReadonlyArray<string | number>, value: unknown): unknown => {
  const [key, ...rest] = path
  if (key === undefined) return value
  const part: unknown = Reflect.get(Object(root), key)
  const changed = withPart(part, rest, value)
  return Array.isArray(root)
    ? root.map((item, index) => index === key ? changed : item)
    : { ...Object(root), [key]: changed }
}

const problem = (root: unknown): string => {
  const result = TrustRoot.fromJson(root)
  return Result.isFailure(result) ? result.failure.message : "accepted"
}

describe("TrustRoot", () => {
  it.effect.each(
    [
      [["tlogs", 0, "publicKey", "validFor", "start"], "start"],
      [["tlogs", 0, "baseUrl"], "baseUrl"],
      [["ctlogs", 0, "publicKey", "validFor"], "validFor"],
      [["certificateAuthorities", 0, "validFor", "start"], "start"],
      [["certificateAuthorities", 0, "certChain", "certificates"], "certificates"],
      [["mediaType"], "mediaType"]
    ] as const
  )("is refused without %s", ([path, expected]) =>
    Effect.gen(function*() {
      const { trustedRoot } = yield* PrivateSigstore.make()
      assert.strictEqual(problem(trustedRoot), "accepted")
      assert.include(problem(withPart(trustedRoot, path, undefined)), expected)
    }))

  it.effect("is refused with values that cannot be what they should be", () =>
    Effect.gen(function*() {
      const { trustedRoot } = yield* PrivateSigstore.make()
      assert.include(problem(withPart(trustedRoot, ["tlogs", 0, "baseUrl"], "")), "URL with a host")
      assert.include(problem(withPart(trustedRoot, ["tlogs", 0, "publicKey", "rawBytes"], "AAAA")), "not usable")
      assert.include(problem(withPart(trustedRoot, ["mediaType"], "application/json")), "application/json")
      assert.include(problem(null), "Expected")
    }))

  it.effect("is refused where a timestamp authority's certificate is not for timestamps", () =>
    Effect.gen(function*() {
      const sigstore = yield* PrivateSigstore.make()
      const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" })
      const verdict = (usage: string) =>
        Effect.gen(function*() {
          const certificate = yield* sigstore.misissuing({ extendedKeyUsages: [usage] }).issue({
            identityToken: yield* sigstore.identityToken({ email: "tsa@example.com" }),
            publicKey: publicKey.export({ type: "spki", format: "der" }),
            proofOfPossession: sign("sha256", Buffer.from("tsa@example.com"), privateKey)
          })
          const authority = {
            certChain: { certificates: [{ rawBytes: Buffer.from(certificate).toString("base64") }] },
            validFor: { start: "2026-01-01T00:00:00Z" }
          }
          return problem(withPart(sigstore.trustedRoot, ["timestampAuthorities"], [authority]))
        })
      assert.include(yield* verdict("1.3.6.1.5.5.7.3.3"), "timeStamping")
      assert.strictEqual(yield* verdict("1.3.6.1.5.5.7.3.8"), "accepted")
    }))

  it.effect("is read from a file, and says which file cannot be used", () =>
    Effect.gen(function*() {
      const { trustedRoot } = yield* PrivateSigstore.make()
      const folder = yield* Effect.acquireRelease(
        Effect.sync(() => mkdtempSync(join(tmpdir(), "trust-root-"))),
        (folder) => Effect.sync(() => rmSync(folder, { recursive: true }))
      )
      const file = join(folder, "trusted_root.json")
      writeFileSync(file, JSON.stringify(trustedRoot))
      assert.strictEqual((yield* TrustRoot.fromFile(file)).material.tlogs.length, 1)
      writeFileSync(file, "{")
      assert.include((yield* Effect.flip(TrustRoot.fromFile(file))).message, file)
      const absent = join(folder, "absent.json")
      assert.include((yield* Effect.flip(TrustRoot.fromFile(absent))).message, absent)
    }))
})
