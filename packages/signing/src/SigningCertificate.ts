/**
 * What a Fulcio-style leaf certificate says: whether it may sign code at all, and who its holder is.
 *
 * The chain and the certificate transparency proof are checked by the verifier; the rules here are the ones that its
 * cryptographic core leaves out (RFC 5280 §4.2; Fulcio's `oid-info.md` for the 1.3.6.1.4.1.57264.1 extensions).
 *
 * @since 0.1.0
 */
import { ASN1Obj, X509Certificate } from "@sigstore/core"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { createHash } from "node:crypto"
import * as Rejection from "./Rejection.ts"

/**
 * The kinds of names that a certificate can be issued to.
 *
 * @category schemas
 * @since 0.1.0
 */
export const SubjectType = Schema.Literals(["uri", "email", "dns", "otherName"])

/**
 * The kinds of names that a certificate can be issued to.
 *
 * @category models
 * @since 0.1.0
 */
export type SubjectType = typeof SubjectType.Type

/**
 * One subject alternative name with its kind, so that a policy for URIs is never met by an e-mail address.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Subject = Schema.Struct({ type: SubjectType, value: Schema.String })

/**
 * One subject alternative name with its kind.
 *
 * @category models
 * @since 0.1.0
 */
export type Subject = typeof Subject.Type

/**
 * What the issuer vouched for beyond the name: source repository, commit, trigger… by Fulcio's names of the extensions.
 *
 * @category schemas
 * @since 0.1.0
 */
export const ClaimName = Schema.Literals([
  "buildSignerUri",
  "buildSignerDigest",
  "runnerEnvironment",
  "sourceRepositoryUri",
  "sourceRepositoryDigest",
  "sourceRepositoryRef",
  "sourceRepositoryIdentifier",
  "sourceRepositoryOwnerUri",
  "sourceRepositoryOwnerIdentifier",
  "buildConfigUri",
  "buildConfigDigest",
  "buildTrigger",
  "runInvocationUri",
  "sourceRepositoryVisibility"
])

/**
 * Fulcio's names of the claims in a certificate.
 *
 * @category models
 * @since 0.1.0
 */
export type ClaimName = typeof ClaimName.Type

/**
 * Claims by name; only those that the certificate has.
 *
 * @category models
 * @since 0.1.0
 */
export type Claims = { readonly [Name in ClaimName]?: string }

/**
 * Who holds a certificate: every name in it, the issuer that vouched for them, and the issuer's further claims.
 *
 * @category models
 * @since 0.1.0
 */
export interface CertificateIdentity {
  readonly subjects: ReadonlyArray<Subject>
  readonly issuer: string
  readonly claims: Claims
}

/**
 * Fulcio's arc of object identifiers.
 *
 * @category constants
 * @since 0.1.0
 */
export const fulcioArc = "1.3.6.1.4.1.57264.1"

/**
 * The last number of each claim's object identifier below {@link fulcioArc}; the values are DER UTF8Strings.
 *
 * @category constants
 * @since 0.1.0
 */
export const claimNumbers: { readonly [Name in ClaimName]: number } = {
  buildSignerUri: 9,
  buildSignerDigest: 10,
  runnerEnvironment: 11,
  sourceRepositoryUri: 12,
  sourceRepositoryDigest: 13,
  sourceRepositoryRef: 14,
  sourceRepositoryIdentifier: 15,
  sourceRepositoryOwnerUri: 16,
  sourceRepositoryOwnerIdentifier: 17,
  buildConfigUri: 18,
  buildConfigDigest: 19,
  buildTrigger: 20,
  runInvocationUri: 21,
  sourceRepositoryVisibility: 22
}

const oid = {
  keyUsage: "2.5.29.15",
  subjectAlternativeName: "2.5.29.17",
  basicConstraints: "2.5.29.19",
  extendedKeyUsage: "2.5.29.37",
  codeSigning: "1.3.6.1.5.5.7.3.3",
  issuerV1: `${fulcioArc}.1`,
  otherNameV1: `${fulcioArc}.7`,
  issuerV2: `${fulcioArc}.8`
}

const understoodWhenCritical = new Set([
  oid.keyUsage,
  oid.subjectAlternativeName,
  oid.basicConstraints,
  oid.extendedKeyUsage
])

/**
 * Reads a DER certificate.
 *
 * @category parsing
 * @since 0.1.0
 */
export const parse = (der: Uint8Array): Result.Result<X509Certificate, Rejection.Rejection> =>
  Result.try({
    try: () => X509Certificate.parse(Buffer.from(der)),
    catch: (cause) => untrusted(`it cannot be parsed (${Rejection.detailOf(cause)})`)
  })

/**
 * The fingerprint of a certificate or a public key: `sha256:` and the digest of its DER form.
 *
 * @category getters
 * @since 0.1.0
 */
export const fingerprint = (der: Uint8Array): string => `sha256:${createHash("sha256").update(der).digest("hex")}`

/**
 * Checks that a leaf certificate is one for code signing: extended key usage, no authority, nothing critical unknown.
 *
 * @category validation
 * @since 0.1.0
 */
export const checkUsage = (leaf: X509Certificate): Result.Result<void, Rejection.Rejection> =>
  Result.flatMap(
    reading(() => ({
      identifiers: leaf.extensions.map((extension) => extension.subs[0]?.toOID() ?? ""),
      criticals: leaf.extensions.filter(isCritical).map((extension) => extension.subs[0]?.toOID() ?? ""),
      isAuthority: leaf.extBasicConstraints?.isCA ?? false,
      maySign: leaf.extKeyUsage?.digitalSignature ?? false,
      usages: content(leaf, oid.extendedKeyUsage)?.subs.map((usage) => usage.toOID()) ?? []
    })),
    ({ criticals, identifiers, isAuthority, maySign, usages }) => {
      const repeated = identifiers.find((identifier, index) => identifiers.indexOf(identifier) !== index)
      if (repeated !== undefined) return Result.fail(untrusted(`the extension ${repeated} occurs twice`))
      const unknown = criticals.find((identifier) => !understoodWhenCritical.has(identifier))
      if (unknown !== undefined) return Result.fail(untrusted(`the critical extension ${unknown} is unknown`))
      if (isAuthority) return Result.fail(untrusted("it is an authority's certificate, expected a signer's"))
      if (!maySign) return Result.fail(untrusted("its key usage lacks digitalSignature"))
      if (!usages.includes(oid.codeSigning)) {
        return Result.fail(untrusted(`expected extended key usage codeSigning, got ${usages.join(", ") || "none"}`))
      }
      return Result.void
    }
  )

/**
 * Reads who holds a certificate: all of its names, and its issuer from extension .8, or .1 where there is no .8.
 *
 * @category getters
 * @since 0.1.0
 */
export const identity = (leaf: X509Certificate): Result.Result<CertificateIdentity, Rejection.Rejection> =>
  Result.flatMap(
    reading(() => ({
      subjects: content(leaf, oid.subjectAlternativeName)?.subs.flatMap(toSubject) ?? [],
      issuerV1: leaf.extension(oid.issuerV1)?.value.toString("utf8"),
      issuerV2: text(content(leaf, oid.issuerV2)),
      claims: claimsOf(leaf)
    })),
    ({ claims, issuerV1, issuerV2, subjects }) => {
      if (subjects.length === 0) return Result.fail(untrusted("it names no subject"))
      if (issuerV1 !== undefined && issuerV2 !== undefined && issuerV1 !== issuerV2) {
        const both = `${Rejection.quote(issuerV2)} (.8) and ${Rejection.quote(issuerV1)} (.1)`
        return Result.fail(untrusted(`it names two issuers, ${both}`))
      }
      const issuer = issuerV2 ?? issuerV1
      return issuer === undefined || issuer === ""
        ? Result.fail(untrusted("it names no identity issuer"))
        : Result.succeed({ subjects, issuer, claims })
    }
  )

const untrusted = (detail: string) => new Rejection.Rejection({ reason: { _tag: "CertificateUntrusted", detail } })

/** The ASN.1 getters throw on what they do not expect. */
const reading = <A>(read: () => A): Result.Result<A, Rejection.Rejection> =>
  Result.try({
    try: read,
    catch: (cause) => untrusted(`an extension cannot be read (${Rejection.detailOf(cause)})`)
  })

/** The one DER value inside an extension's octet string. */
const content = (leaf: X509Certificate, identifier: string): ASN1Obj | undefined => {
  const extension = leaf.extension(identifier)
  if (extension === undefined) return undefined
  const [value, ...others] = extension.valueObj.subs
  if (value === undefined || others.length > 0) throw new TypeError(`expected one value in ${identifier}`)
  return value
}

const isCritical = (extension: ASN1Obj): boolean =>
  extension.subs.length === 3 && extension.subs[1]?.toBoolean() === true

const claimsOf = (leaf: X509Certificate): Claims =>
  Object.fromEntries(
    ClaimName.literals.flatMap((name) => {
      const value = text(content(leaf, `${fulcioArc}.${claimNumbers[name]}`))
      return value === undefined ? [] : [[name, value] as const]
    })
  )

const utf8String = 0x0c

const text = (object: ASN1Obj | undefined): string | undefined => {
  if (object === undefined) return undefined
  if (object.tag.toDER() !== utf8String) throw new TypeError("expected a UTF8String")
  return new TextDecoder("utf-8", { fatal: true }).decode(object.value)
}

/** GeneralName of RFC 5280 §4.2.1.6; kinds that no policy can name are left out. */
const toSubject = (name: ASN1Obj): ReadonlyArray<Subject> => {
  if (name.tag.isContextSpecific(0)) return otherName(name)
  if (name.tag.isContextSpecific(1)) return [{ type: "email", value: ia5(name) }]
  if (name.tag.isContextSpecific(2)) return [{ type: "dns", value: ia5(name) }]
  if (name.tag.isContextSpecific(6)) return [{ type: "uri", value: ia5(name) }]
  return []
}

/** Fulcio's OtherName .7: a user name, `user!host`, as an explicit UTF8String. */
const otherName = (name: ASN1Obj): ReadonlyArray<Subject> => {
  const [type, value] = name.subs
  if (type?.toOID() !== oid.otherNameV1) return []
  const userName = text(value?.subs[0])
  return userName === undefined ? [] : [{ type: "otherName", value: userName }]
}

const ia5 = (name: ASN1Obj): string => {
  const value = name.value.toString("latin1")
  if (!/^[\x21-\x7e]+$/.test(value)) throw new TypeError("expected a name of visible ASCII characters")
  return value
}
