import type { SignatureVerifier } from "@lamina/core"
import { KeyPair, Signer, TextMatcher, TrustRoot } from "@lamina/signing"
import { PrivateSigstore } from "@lamina/signing/testing"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { existsSync } from "node:fs"
import { readFile, writeFile } from "node:fs/promises"
import type { Options } from "./Options.ts"
import type { State } from "./State.ts"
import { messageOf, UnusableOption } from "./UnusableOption.ts"

/** Who signs, and whom the platform therefore trusts. */
export interface Signing {
  readonly sigstore: PrivateSigstore.PrivateSigstore
  /** The trusted root as machines get it, in the form of `trusted_root.json`. */
  readonly trustedRoot: unknown
  readonly trustRoot: TrustRoot.TrustRoot
  readonly isKeyless: boolean
  /** The signer of a repository's release workflow for a version, or the key. */
  readonly signerOf: (repository: string, version: string) => Signer.Signer
  /** Somebody whom nobody named. */
  readonly strangerOf: (repository: string, version: string) => Signer.Signer
  readonly policyOf: (repository: string) => SignatureVerifier.TrustPolicy
  readonly description: string
}

const forgeUrl = "https://git.example.com"

/** Keyless against a private Sigstore in this process, or a cosign key pair. */
export const open = Effect.fnUntraced(function*(options: Options, state: State) {
  const sigstore = yield* PrivateSigstore.make({ forgeUrl })
  yield* state.keepTrustedRoot(sigstore.trustedRoot)
  const trustedRoot = merge([...state.earlierTrustedRoots, sigstore.trustedRoot])
  const trustRoot = yield* Effect.fromResult(TrustRoot.fromJson(trustedRoot, "trusted-roots/"))
  const shared = {
    sigstore,
    trustedRoot,
    trustRoot,
    strangerOf: (_repository: string, version: string) =>
      sigstore.signer({ repository: "mallory/lookalike", ref: `refs/tags/${version}` })
  }
  if (options.key === undefined) return keyless(shared)
  const keyPair = yield* readOrMakeKey(options.key)
  return withKey(shared, keyPair, options.key)
})

type Shared = Pick<Signing, "sigstore" | "trustedRoot" | "trustRoot" | "strangerOf">

const keyless = (shared: Shared): Signing => ({
  ...shared,
  isKeyless: true,
  signerOf: (repository, version) => shared.sigstore.signer({ repository, ref: `refs/tags/${version}` }),
  policyOf: (repository) => ({
    signers: [{
      kind: "keyless",
      issuer: { exact: shared.sigstore.issuer },
      identity: { pattern: `${quote(`${forgeUrl}/${repository}/.gitea/workflows/build.yaml@refs/tags/`)}.+` }
    }]
  }),
  description: `keyless, identity issuer ${shared.sigstore.issuer}`
})

const withKey = (shared: Shared, keyPair: KeyPair.KeyPair, file: string): Signing => {
  const signer = Signer.key({ keyPair, transparencyLog: shared.sigstore.transparencyLog })
  const publicKeyPem = KeyPair.publicKeyPem(keyPair)
  return {
    ...shared,
    isKeyless: false,
    signerOf: () => signer,
    policyOf: () => ({ signers: [{ kind: "key", publicKeyPem }] }),
    description: `cosign key pair ${file}`
  }
}

const quote = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")

/** Whether a policy would trust the workflow of a repository; else the operator has to name another one. */
export const trusts = (policy: SignatureVerifier.TrustPolicy, issuer: string, repository: string): boolean =>
  policy.signers.some((signer) =>
    signer.kind === "keyless" && matches(signer.issuer, issuer) &&
    matches(signer.identity, `${forgeUrl}/${repository}/.gitea/workflows/build.yaml@refs/tags/0.1.0`)
  )

const matches = (matcher: SignatureVerifier.Matcher, text: string): boolean =>
  Result.match(TextMatcher.compile(matcher), {
    onSuccess: (compiled) => compiled.matches(text),
    onFailure: () => false
  })

const readOrMakeKey = Effect.fnUntraced(function*(file: string) {
  const given = process.env["COSIGN_PASSWORD"]
  const password = Redacted.make(given ?? "")
  const unusable = (detail: string) =>
    new UnusableOption({
      option: `--key ${file}`,
      detail: `${detail}; COSIGN_PASSWORD is ${given === undefined ? "not set" : "set"}`
    })
  if (existsSync(file)) {
    const pem = yield* Effect.tryPromise({
      try: () => readFile(file, "utf8"),
      catch: (cause) => unusable(messageOf(cause))
    })
    return yield* Effect.mapError(KeyPair.fromPem(pem, password), (error) => unusable(error.message))
  }
  const keyPair = yield* KeyPair.generate
  const pem = yield* KeyPair.toPem(keyPair, password)
  yield* Effect.tryPromise({
    try: async () => {
      await writeFile(file, pem, { mode: 0o600 })
      await writeFile(`${file.replace(/\.key$/, "")}.pub`, KeyPair.publicKeyPem(keyPair))
    },
    catch: (cause) => unusable(messageOf(cause))
  })
  return keyPair
})

const Parts = Schema.Array(Schema.Unknown)

const TrustedRootDocument = Schema.Struct({
  tlogs: Parts,
  ctlogs: Parts,
  certificateAuthorities: Parts,
  timestampAuthorities: Schema.optionalKey(Parts)
})

const decodeRoots = Schema.decodeUnknownSync(Schema.Array(TrustedRootDocument))

const merge = (documents: ReadonlyArray<unknown>): unknown => {
  const roots = decodeRoots(documents)
  return {
    mediaType: "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
    tlogs: roots.flatMap(({ tlogs }) => tlogs),
    ctlogs: roots.flatMap(({ ctlogs }) => ctlogs),
    certificateAuthorities: roots.flatMap(({ certificateAuthorities }) => certificateAuthorities),
    timestampAuthorities: roots.flatMap(({ timestampAuthorities }) => timestampAuthorities ?? [])
  }
}
