/**
 * Fulcio's leaf certificates: what a token's claims become in a certificate (Fulcio `oid-info.md`).
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import type { KeyObject } from "node:crypto"
import { claimNumbers, type Claims as CertificateClaims, fulcioArc, type Subject } from "../SigningCertificate.ts"
import * as Certificate from "./certificate.ts"
import * as Der from "./der.ts"

export const codeSigning = "1.3.6.1.5.5.7.3.3"

/** What an identity provider says of a person, or of a workflow run. */
export const Claims = Schema.Struct({
  iss: Schema.String,
  aud: Schema.String,
  sub: Schema.String,
  exp: Schema.Int,
  email: Schema.optionalKey(Schema.String),
  repository: Schema.optionalKey(Schema.String),
  repository_owner: Schema.optionalKey(Schema.String),
  workflow_ref: Schema.optionalKey(Schema.String),
  ref: Schema.optionalKey(Schema.String),
  sha: Schema.optionalKey(Schema.String),
  event_name: Schema.optionalKey(Schema.String),
  run_id: Schema.optionalKey(Schema.String),
  run_attempt: Schema.optionalKey(Schema.String)
})

export type Claims = typeof Claims.Type

export interface Options {
  /** The names in the certificate instead of the token's. */
  readonly subjects?: ReadonlyArray<Subject>
  /** The value of the older issuer extension, .1. */
  readonly issuerV1?: string
  /** The value of the issuer extension, .8; `null` leaves it out. */
  readonly issuerV2?: string | null
  readonly extendedKeyUsages?: ReadonlyArray<string>
  readonly withoutDigitalSignature?: boolean
  readonly isAuthority?: boolean
  /** Extensions besides, for instance an unknown critical one. */
  readonly extensions?: ReadonlyArray<Certificate.Extension>
  /** Leaves the promise of the certificate transparency log out. */
  readonly withoutPromise?: boolean
  /** Seconds by which the validity begins later than now. */
  readonly validFromOffset?: number
}

export const template = (
  given: {
    readonly claims: Claims
    readonly forgeUrl: string
    readonly publicKey: KeyObject
    readonly seconds: number
    readonly issuer: Certificate.Issuer
  },
  change: Options
): Certificate.Template => {
  const notBefore = given.seconds + (change.validFromOffset ?? 0)
  const issuerV2 = change.issuerV2 === undefined ? given.claims.iss : change.issuerV2
  return {
    subject: Certificate.emptyName,
    publicKey: given.publicKey,
    notBefore,
    notAfter: notBefore + 600,
    extensions: [
      ...(change.withoutDigitalSignature === true ? [] : [Certificate.digitalSignature]),
      ...extendedKeyUsage(change.extendedKeyUsages ?? [codeSigning]),
      ...(change.isAuthority === true ? [Certificate.basicConstraints(true)] : []),
      Certificate.subjectKeyIdentifier(given.publicKey),
      Certificate.authorityKeyIdentifier(given.issuer.publicKey),
      subjectAlternativeNames(change.subjects ?? [subjectOf(given)]),
      fulcio(1, Buffer.from(change.issuerV1 ?? given.claims.iss)),
      ...(issuerV2 === null ? [] : [fulcio(8, Der.utf8String(issuerV2))]),
      ...Object.entries(certificateClaims(given)).map(([name, value]) => fulcio(numberOf(name), Der.utf8String(value))),
      ...(change.extensions ?? [])
    ]
  }
}

const subjectOf = ({ claims, forgeUrl }: { readonly claims: Claims; readonly forgeUrl: string }): Subject =>
  claims.email === undefined
    ? { type: "uri", value: `${forgeUrl}/${claims.workflow_ref ?? claims.sub}` }
    : { type: "email", value: claims.email }

const certificateClaims = (
  { claims, forgeUrl }: { readonly claims: Claims; readonly forgeUrl: string }
): CertificateClaims => {
  const { event_name, ref, repository, repository_owner, run_attempt, run_id, sha, workflow_ref } = claims
  if (repository === undefined || workflow_ref === undefined) return {}
  const repositoryUri = `${forgeUrl}/${repository}`
  return {
    buildSignerUri: `${forgeUrl}/${workflow_ref}`,
    buildSignerDigest: sha ?? "",
    runnerEnvironment: "self-hosted",
    sourceRepositoryUri: repositoryUri,
    sourceRepositoryDigest: sha ?? "",
    sourceRepositoryRef: ref ?? "",
    sourceRepositoryOwnerUri: `${forgeUrl}/${repository_owner ?? ""}`,
    buildConfigUri: `${forgeUrl}/${workflow_ref}`,
    buildConfigDigest: sha ?? "",
    buildTrigger: event_name ?? "",
    runInvocationUri: `${repositoryUri}/actions/runs/${run_id ?? ""}/attempts/${run_attempt ?? ""}`,
    sourceRepositoryVisibility: "private"
  }
}

const numbers = new Map<string, number>(Object.entries(claimNumbers))

const numberOf = (name: string): number => numbers.get(name) ?? 0

const fulcio = (number: number, value: Uint8Array): Certificate.Extension => ({
  identifier: `${fulcioArc}.${number}`,
  value
})

const extendedKeyUsage = (usages: ReadonlyArray<string>): ReadonlyArray<Certificate.Extension> =>
  usages.length === 0 ? [] : [Certificate.extendedKeyUsage(...usages)]

const subjectAlternativeNames = (subjects: ReadonlyArray<Subject>): Certificate.Extension => ({
  identifier: "2.5.29.17",
  critical: true,
  value: Der.sequence(...subjects.map(generalName))
})

const generalName = ({ type, value }: Subject): Buffer => {
  switch (type) {
    case "email":
      return Der.contextPrimitive(1, Buffer.from(value))
    case "dns":
      return Der.contextPrimitive(2, Buffer.from(value))
    case "uri":
      return Der.contextPrimitive(6, Buffer.from(value))
    case "otherName":
      return Der.contextConstructed(
        0,
        Der.objectIdentifier(`${fulcioArc}.7`),
        Der.contextConstructed(0, Der.utf8String(value))
      )
  }
}
