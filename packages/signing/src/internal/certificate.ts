/**
 * Issues X.509 certificates with ECDSA keys (RFC 5280): authorities, and Fulcio-like leaves with embedded proof of
 * certificate transparency.
 *
 * @since 0.1.0
 */
import { createHash, type KeyObject, randomBytes, sign } from "node:crypto"
import * as Der from "./der.ts"

export interface Extension {
  readonly identifier: string
  readonly critical?: boolean
  /** The DER value, or whatever bytes an odd extension holds. */
  readonly value: Uint8Array
}

export interface Issuer {
  readonly name: Uint8Array
  readonly publicKey: KeyObject
  readonly privateKey: KeyObject
}

export interface Template {
  readonly subject: Uint8Array
  readonly publicKey: KeyObject
  /** Seconds since 1970. */
  readonly notBefore: number
  readonly notAfter: number
  readonly extensions: ReadonlyArray<Extension>
}

/** Issues a certificate; the precertificate's body may be shown to a log, whose answer becomes the last extension. */
export const issue = (
  issuer: Issuer,
  template: Template,
  submit?: (toBeSigned: Uint8Array, issuerKey: Uint8Array) => Extension
): Buffer => {
  const serial = Buffer.concat([Buffer.from([0x01]), randomBytes(15)])
  const before = toBeSigned(issuer, template, serial, template.extensions)
  const body = submit === undefined
    ? before
    : toBeSigned(issuer, template, serial, [...template.extensions, submit(before, spki(issuer.publicKey))])
  return Der.sequence(body, ecdsaWithSha384, Der.bitString(sign("sha384", body, issuer.privateKey)))
}

/** A name with organization and common name. */
export const name = (organization: string, commonName: string): Buffer =>
  Der.sequence(attribute("2.5.4.10", organization), attribute("2.5.4.3", commonName))

export const emptyName: Buffer = Der.sequence()

export const spki = (key: KeyObject): Buffer => key.export({ type: "spki", format: "der" })

export const basicConstraints = (isAuthority: boolean, pathLength?: number): Extension => ({
  identifier: "2.5.29.19",
  critical: true,
  value: isAuthority
    ? Der.sequence(
      Der.boolean(true),
      ...(pathLength === undefined ? [] : [Der.integer(Buffer.from([pathLength]))])
    )
    : Der.sequence()
})

export const digitalSignature: Extension = {
  identifier: "2.5.29.15",
  critical: true,
  value: Der.bitString(Buffer.from([0x80]), 7)
}

export const certificateSign: Extension = {
  identifier: "2.5.29.15",
  critical: true,
  value: Der.bitString(Buffer.from([0x06]), 1)
}

export const extendedKeyUsage = (...usages: ReadonlyArray<string>): Extension => ({
  identifier: "2.5.29.37",
  value: Der.sequence(...usages.map(Der.objectIdentifier))
})

export const subjectKeyIdentifier = (key: KeyObject): Extension => ({
  identifier: "2.5.29.14",
  value: Der.octetString(keyIdentifier(key))
})

export const authorityKeyIdentifier = (key: KeyObject): Extension => ({
  identifier: "2.5.29.35",
  value: Der.sequence(Der.contextPrimitive(0, keyIdentifier(key)))
})

const keyIdentifier = (key: KeyObject): Buffer => createHash("sha1").update(spki(key)).digest()

const ecdsaWithSha384 = Der.sequence(Der.objectIdentifier("1.2.840.10045.4.3.3"))

const toBeSigned = (
  issuer: Issuer,
  template: Template,
  serial: Uint8Array,
  extensions: ReadonlyArray<Extension>
): Buffer =>
  Der.sequence(
    Der.contextConstructed(0, Der.integer(Buffer.from([2]))),
    Der.integer(serial),
    ecdsaWithSha384,
    issuer.name,
    Der.sequence(Der.time(template.notBefore), Der.time(template.notAfter)),
    template.subject,
    spki(template.publicKey),
    Der.contextConstructed(3, Der.sequence(...extensions.map(encodeExtension)))
  )

const encodeExtension = ({ critical, identifier, value }: Extension): Buffer =>
  Der.sequence(
    Der.objectIdentifier(identifier),
    ...(critical === true ? [Der.boolean(true)] : []),
    Der.octetString(value)
  )

const attribute = (identifier: string, text: string): Buffer =>
  Der.set(Der.sequence(Der.objectIdentifier(identifier), Der.utf8String(text)))
