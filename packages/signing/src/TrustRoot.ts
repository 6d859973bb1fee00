/**
 * Trusted roots: the authorities, certificate transparency logs, transparency logs and timestamp authorities of one
 * Sigstore deployment, as `trusted_root.json` lists them.
 *
 * A pinned file is the way to verify offline. The roots of the public deployment are not part of this package.
 *
 * @since 0.1.0
 */
import { TrustedRoot } from "@sigstore/protobuf-specs"
import { toTrustMaterial, type TrustMaterial } from "@sigstore/verify"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { open } from "node:fs/promises"

const maximumBytes = 4 * 1024 * 1024

const mediaTypes: ReadonlyArray<string> = [
  "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
  "application/vnd.dev.sigstore.trustedroot.v0.1+json",
  "application/vnd.dev.sigstore.trustedroot.v0.2+json"
]

/**
 * A trusted root, parsed and checked once.
 *
 * @category models
 * @since 0.1.0
 */
export interface TrustRoot {
  readonly material: Omit<TrustMaterial, "publicKey">
}

/**
 * A document that is no usable trusted root.
 *
 * @category errors
 * @since 0.1.0
 */
export class TrustRootError extends Schema.TaggedError<TrustRootError>("@lamina/signing/TrustRoot/TrustRootError")(
  "TrustRootError",
  { source: Schema.String, detail: Schema.String }
) {
  override get message(): string {
    return `the trusted root ${this.source} is not usable: ${this.detail}`
  }
}

/**
 * A root that trusts no authority and no log, for policies of public keys only.
 *
 * @category constructors
 * @since 0.1.0
 */
export const empty: TrustRoot = {
  material: { certificateAuthorities: [], timestampAuthorities: [], tlogs: [], ctlogs: [] }
}

/**
 * Reads the JSON of a `trusted_root.json`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromJson = (json: unknown, source = "(inline)"): Result.Result<TrustRoot, TrustRootError> =>
  Result.gen(function*() {
    const refuse = (detail: string) => new TrustRootError({ source, detail })
    const document = yield* Result.mapError(decode(json), (error) => refuse(error.message))
    if (!mediaTypes.includes(document.mediaType)) {
      const actual = JSON.stringify(document.mediaType.slice(0, 200))
      return yield* Result.fail(refuse(`mediaType: expected one of ${mediaTypes.join(", ")}, got ${actual}`))
    }
    const material = yield* Result.try({
      try: () => toTrustMaterial(TrustedRoot.fromJSON(json), noKeys),
      catch: (cause) => refuse(cause instanceof Error ? cause.message : "a certificate or key cannot be read")
    })
    const problem = yield* Result.try({
      try: () =>
        material.timestampAuthorities.map(problemOfTimestampAuthority).find((problem) => problem !== undefined),
      catch: () => refuse("timestampAuthorities: a certificate cannot be read")
    })
    return problem === undefined ? { material } : yield* Result.fail(refuse(problem))
  })

/**
 * Reads a `trusted_root.json` of at most 4 MiB.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromFile = Effect.fnUntraced(function*(path: string): Effect.fn.Return<TrustRoot, TrustRootError> {
  const text = yield* Effect.tryPromise({
    try: () => readBounded(path),
    catch: (cause) =>
      new TrustRootError({ source: path, detail: cause instanceof Error ? cause.message : "unreadable" })
  })
  const json = yield* Effect.try({
    try: (): unknown => JSON.parse(text),
    catch: () => new TrustRootError({ source: path, detail: "expected JSON" })
  })
  return yield* Effect.fromResult(fromJson(json, path))
})

/**
 * The name in which a log signs its checkpoints: the host (and path) of its address.
 *
 * @category getters
 * @since 0.1.0
 */
export const logName = (baseUrl: string): string => {
  const { host, pathname } = new URL(baseUrl)
  return host + pathname.replace(/\/+$/, "")
}

/** A key without the start of its validity would count for ever; an address without a host would match any checkpoint. */
const Key = Schema.Struct({
  rawBytes: Schema.String,
  keyDetails: Schema.Union([Schema.String, Schema.Int]),
  validFor: Schema.Struct({ start: Schema.String, end: Schema.optionalKey(Schema.NullOr(Schema.String)) })
})

const Log = Schema.Struct({
  baseUrl: Schema.String.check(
    Schema.makeFilter((text) => URL.canParse(text) && new URL(text).host !== "" || "expected a URL with a host")
  ),
  publicKey: Key
})

const Authority = Schema.Struct({
  certChain: Schema.Struct({
    certificates: Schema.Array(Schema.Struct({ rawBytes: Schema.String })).check(Schema.isMinLength(1))
  }),
  validFor: Schema.Struct({ start: Schema.String, end: Schema.optionalKey(Schema.NullOr(Schema.String)) })
})

const Document = Schema.Struct({
  mediaType: Schema.String,
  tlogs: Schema.optionalKey(Schema.Array(Log)),
  ctlogs: Schema.optionalKey(Schema.Array(Log)),
  certificateAuthorities: Schema.optionalKey(Schema.Array(Authority)),
  timestampAuthorities: Schema.optionalKey(Schema.Array(Authority))
})

const decode = Schema.decodeUnknownResult(Document)

const timeStamping = "1.3.6.1.5.5.7.3.8"
const extendedKeyUsage = "2.5.29.37"

/** The cryptographic core lets any certificate sign timestamps; RFC 3161 §2.3 asks for this usage. */
const problemOfTimestampAuthority = ({ certChain }: TrustMaterial["timestampAuthorities"][number]) => {
  const usages = certChain[0]?.extension(extendedKeyUsage)?.valueObj.subs[0]?.subs.map((usage) => usage.toOID()) ?? []
  return usages.includes(timeStamping)
    ? undefined
    : `timestampAuthorities: expected a leaf with extended key usage timeStamping, got ${usages.join(", ") || "none"}`
}

const noKeys: TrustMaterial["publicKey"] = () => {
  throw new Error("a trusted root holds no signers' keys")
}

const readBounded = async (path: string): Promise<string> => {
  const file = await open(path)
  try {
    const { size } = await file.stat()
    if (size > maximumBytes) throw new Error(`expected at most ${maximumBytes} bytes, got ${size}`)
    return await file.readFile("utf8")
  } finally {
    await file.close()
  }
}
