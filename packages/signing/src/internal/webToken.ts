/**
 * JSON Web Tokens signed with ECDSA on P-256 (RFC 7519, ES256).
 *
 * @since 0.1.0
 */
import { type KeyObject, sign, verify } from "node:crypto"

export const encode = (claims: { readonly [name: string]: unknown }, privateKey: KeyObject): string => {
  const signed = `${base64url({ alg: "ES256", typ: "JWT" })}.${base64url(claims)}`
  const signature = sign("sha256", Buffer.from(signed), { key: privateKey, dsaEncoding })
  return `${signed}.${signature.toString("base64url")}`
}

/** The claims, as JSON text, of a token that was signed with the key; `undefined` for any other. */
export const verified = (token: string, publicKey: KeyObject): string | undefined => {
  const [header = "", payload = "", signature = ""] = token.split(".")
  const signed = Buffer.from(`${header}.${payload}`)
  return verify("sha256", signed, { key: publicKey, dsaEncoding }, Buffer.from(signature, "base64url"))
    ? Buffer.from(payload, "base64url").toString("utf8")
    : undefined
}

const dsaEncoding = "ieee-p1363" as const

const base64url = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url")
