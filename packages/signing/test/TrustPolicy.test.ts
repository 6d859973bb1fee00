import { assert, describe, it, vi } from "@effect/vitest"
import { TextMatcher, TrustPolicy } from "@lamina/signing"
import * as Result from "effect/Result"
import * as fc from "fast-check"
import { generateKeyPairSync, type KeyObject } from "node:crypto"
import { RE2JS } from "re2js"
import { patternSize } from "../src/internal/patternSize.ts"
import * as Fixture from "./fixture.ts"

const keyless = {
  kind: "keyless",
  issuer: { exact: Fixture.issuer },
  identity: { pattern: "https://git\\.example/acme/.*" }
}

const problems = (document: unknown): string => {
  const policy = TrustPolicy.decode(document)
  return Result.isFailure(policy) ? policy.failure.message : "accepted"
}

const matcher = (given: TextMatcher.TextMatcher) => Result.getOrThrow(TextMatcher.compile(given))

describe("TrustPolicy.decode", () => {
  it("takes identities and keys, stored as plain JSON", () => {
    const publicKeyPem = generateKeyPairSync("ed25519").publicKey.export({ type: "spki", format: "pem" }).toString()
    const document = JSON.parse(JSON.stringify({
      signers: [keyless, { kind: "key", publicKeyPem, validUntil: "2030-01-01T00:00:00Z" }],
      transparencyLogs: 2
    }))
    const policy = Result.getOrThrow(TrustPolicy.decode(document))
    assert.strictEqual(policy.identities.length, 1)
    assert.isTrue(policy.keys[0]?.requireTransparencyLog)
    assert.isTrue(policy.keys[0]?.validAt(new Date("2029-12-31")))
    assert.isFalse(policy.keys[0]?.validAt(new Date("2030-01-02")))
  })

  it.each([
    ["nothing", undefined, "Expected"],
    ["an empty object", {}, "signers"],
    ["no signers", { signers: [] }, "signers"],
    ["an identity without an issuer", { signers: [{ kind: "keyless", identity: { exact: "x" } }] }, "issuer"],
    ["an issuer without an identity", { signers: [{ kind: "keyless", issuer: { exact: "x" } }] }, "identity"],
    ["an empty identity", { signers: [{ ...keyless, identity: { exact: "" } }] }, "identity"],
    ["a misspelt key", { signers: [{ ...keyless, claim: {} }] }, "claim"],
    ["a pattern that is no RE2", { signers: [{ ...keyless, identity: { pattern: "(?=x)" } }] }, "is not RE2"],
    ["a pattern that breaks out of its group", { signers: [{ ...keyless, identity: { pattern: "x)|(y" } }] }, "RE2"],
    ["a pattern that is too long", { signers: [{ ...keyless, identity: { pattern: "x".repeat(1025) } }] }, "1024"],
    ["a pattern that grows too large", {
      signers: [{ ...keyless, identity: { pattern: "[a-z]{1000}".repeat(5) } }]
    }, "too large"],
    ["a private key", { signers: [{ kind: "key", publicKeyPem: "-----BEGIN PRIVATE KEY-----" }] }, "private"],
    ["no key", { signers: [{ kind: "key", publicKeyPem: "hello" }] }, "PUBLIC KEY"]
  ])("refuses %s and says so", (_, document, expected) => {
    assert.include(problems(document), expected)
  })

  it.each([".*", ".+", "(.*)", "^.*$", "(?s).*", "[^\\n]*", "x*|.*"])("refuses the issuer pattern %s", (pattern) => {
    assert.include(problems({ signers: [{ ...keyless, issuer: { pattern } }] }), "matches everything")
  })

  it("refuses an unanchored pattern that every text has a part of", () => {
    assert.include(problems({ signers: [{ ...keyless, identity: { pattern: "x*", anchored: false } }] }), "everything")
  })

  it("refuses keys that are too weak, and the same key twice", () => {
    const pem = (key: KeyObject) => key.export({ type: "spki", format: "pem" }).toString()
    const weak = pem(generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey)
    assert.include(problems({ signers: [{ kind: "key", publicKeyPem: weak }] }), "RSA of 2048 bits")
    const signer = { kind: "key", publicKeyPem: pem(generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey) }
    assert.include(problems({ signers: [signer, signer] }), "twice")
  })

  it("reports the problems of all signers at once", () => {
    const message = problems({
      signers: [{ ...keyless, issuer: { pattern: "(" } }, { kind: "key", publicKeyPem: "x" }]
    })
    assert.include(message, "signers[0].issuer")
    assert.include(message, "signers[1].publicKeyPem")
  })
})

describe("TextMatcher", () => {
  it("matches the whole text, unless it is told not to", () => {
    const pattern = "https://git\\.example/acme/app"
    const texts = [
      "https://git.example/acme/app",
      "https://git.example/acme/app-evil",
      "x https://git.example/acme/app"
    ]
    assert.deepStrictEqual(texts.map(matcher({ pattern }).matches), [true, false, false])
    assert.deepStrictEqual(texts.map(matcher({ pattern, anchored: false }).matches), [true, true, true])
  })

  it("holds all alternatives of a pattern to the whole text", () => {
    const { matches } = matcher({ pattern: "alpha|beta" })
    assert.deepStrictEqual(["alpha", "beta", "alphabet", "xbeta"].map(matches), [true, true, false, false])
  })

  it("does not let flags or line breaks weaken the anchors", () => {
    const { matches } = matcher({ pattern: "(?m)^alpha$" })
    assert.deepStrictEqual(["alpha", "alpha\nevil", "evil\nalpha"].map(matches), [true, false, false])
  })

  it("means by a pattern what Go means", () => {
    assert.isTrue(matcher({ pattern: "(?i)HTTPS://git\\.example/[[:alpha:]]+\\z" }).matches("https://GIT.example/app"))
    assert.isTrue(matcher({ pattern: "\\Qa.b\\E" }).matches("a.b"))
    assert.isFalse(matcher({ pattern: "\\Qa.b\\E" }).matches("axb"))
  })

  it.each([
    ["nested repetitions", "(?:a{100}){10}".repeat(70)],
    ["repetitions of repetitions", "(?:(?:a{10}){10}){10}".repeat(48)],
    ["captures", "((((a{2}){2}){2}){2}){62}".repeat(40)],
    ["empty alternatives", "(?:(?:|a){30}){33}".repeat(56)],
    ["a repeated point", ".{1000}".repeat(140)],
    ["quoted brackets", "(?:a{30}\\Q(\\E){33}".repeat(60)],
    ["folded classes", `(?i)${"[^\\pL]".repeat(145)}`],
    ["repeated classes", "(?i)\\p{Han}{1000}".repeat(55)],
    ["what is repeated after flags", `(?:${"a".repeat(500)})(?i){1000}`],
    ["what is repeated after an empty quotation", `(?:${"a".repeat(500)})*\\Q\\E{1000}`],
    ["ranges whose case is ignored", `(?i)[${"B-\u{1e942}".repeat(200)}]`],
    ["such ranges in escapes", `(?mi:${"[^!-\\x{1e942}]".repeat(60)})`]
  ])("refuses %s without compiling them", (_, pattern) => {
    const compile = vi.spyOn(RE2JS, "compile")
    const compiled = TextMatcher.compile({ pattern })
    const calls = compile.mock.calls.length
    compile.mockRestore()
    assert.include(Result.isFailure(compiled) ? compiled.failure : "", "is too large")
    assert.strictEqual(calls, 0)
  })

  it.each([
    "^https://github\\.com/org/[^/]+/\\.github/workflows/.+@refs/(heads/main|tags/v[0-9]+\\.[0-9]+\\.[0-9]+)$",
    "^https://gitlab\\.com/group/(?:[^/]{1,63}/){1,5}[^/]+//\\.gitlab-ci\\.yml@refs/(?:heads|tags)/.{1,255}$",
    "^sha256:[0-9a-f]{64}(?:,sha256:[0-9a-f]{64}){0,7}$",
    "(?i)^[a-z0-9._%+-]+@example\\.com$",
    "^https://kubernetes\\.io/namespaces/[\\p{L}\\p{N}-]{1,63}/serviceaccounts/[\\p{Ll}\\p{Nd}.-]{1,253}$",
    "^\\x{2014} [\\x{2014}\\x{1F600}-\\x{1F64F}] \\x{2014}\\x{2014}$"
  ])("compiles %s as policies have it", (pattern) => {
    assert.isTrue(Result.isSuccess(TextMatcher.compile({ pattern })))
  })

  it("knows the size of what is compiled, within a small factor", () => {
    const atom = fc.constantFrom("a", "\\.", "[a-z]", "[[:alpha:]\\]]", "\\Q(a)\\E", "^", "\\d", ".", "\\x{7f}")
    const pattern = fc.letrec<{ readonly pattern: string }>((tie) => ({
      pattern: fc.oneof(
        { maxDepth: 4 },
        atom,
        fc.tuple(tie("pattern"), tie("pattern")).map(([left, right]) => left + right),
        fc.tuple(tie("pattern"), tie("pattern")).map(([left, right]) => `(?:${left}|${right})`),
        fc.tuple(tie("pattern"), fc.constantFrom("*", "+?", "{7}", "{2,}", "{0,5}", "{3,9}", "(?i){9}", "+\\Q\\E{9}"))
          .map(([inner, count]) => `(${inner})${count}`)
      )
    })).pattern
    fc.assert(fc.property(pattern, (text) => {
      const compiled = Result.try(() => RE2JS.compile(text))
      fc.pre(Result.isSuccess(compiled))
      assert.isAtMost(compiled.success.programSize(), 4 * patternSize(text, 1_000_000).steps + 4)
    }))
  })

  it("is linear where a backtracking engine never ends", () => {
    const { matches } = matcher({ pattern: "^(a+)+$" })
    assert.isFalse(matches(`${"a".repeat(4000)}!`))
    assert.isTrue(matches("a".repeat(4000)))
  })

  it("takes an exact text for that text alone", () => {
    fc.assert(fc.property(fc.string({ minLength: 1, maxLength: 40 }), fc.string({ maxLength: 40 }), (exact, text) => {
      assert.strictEqual(matcher({ exact }).matches(text), exact === text)
      assert.isTrue(matcher({ exact }).matches(exact))
    }))
  })
})
