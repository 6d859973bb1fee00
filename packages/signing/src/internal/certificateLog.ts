/**
 * A certificate transparency log that promises to include what it is shown, and forgets it (RFC 6962 §3.2, §3.3).
 *
 * @since 0.1.0
 */
import { createHash, type KeyObject, sign } from "node:crypto"
import type { Extension } from "./certificate.ts"
import * as Der from "./der.ts"

/** The extension with the log's signed promise for a precertificate. */
export const promise = (
  log: { readonly id: Uint8Array; readonly privateKey: KeyObject },
  precertificate: { readonly toBeSigned: Uint8Array; readonly issuerKey: Uint8Array; readonly milliseconds: number }
): Extension => {
  const timestamp = Buffer.alloc(8)
  timestamp.writeBigUInt64BE(BigInt(precertificate.milliseconds))
  const issuerKeyHash = createHash("sha256").update(precertificate.issuerKey).digest()
  const signedPart = Buffer.concat([
    Buffer.from([version1, certificateTimestamp]),
    timestamp,
    Buffer.from([0, precertificateEntry]),
    issuerKeyHash,
    prefixed(3, precertificate.toBeSigned),
    prefixed(2, new Uint8Array())
  ])
  const signature = sign("sha256", signedPart, log.privateKey)
  const signedTimestamp = Buffer.concat([
    Buffer.from([version1]),
    log.id,
    timestamp,
    prefixed(2, new Uint8Array()),
    Buffer.from([sha256, ecdsa]),
    prefixed(2, signature)
  ])
  return {
    identifier: "1.3.6.1.4.1.11129.2.4.2",
    value: Der.octetString(prefixed(2, prefixed(2, signedTimestamp)))
  }
}

const version1 = 0
const certificateTimestamp = 0
const precertificateEntry = 1
const sha256 = 4
const ecdsa = 3

const prefixed = (lengthBytes: number, bytes: Uint8Array): Buffer => {
  const length = Buffer.alloc(lengthBytes)
  length.writeUIntBE(bytes.byteLength, 0, lengthBytes)
  return Buffer.concat([length, bytes])
}
