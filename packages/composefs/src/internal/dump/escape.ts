/** Escapes of composefs-dump(5): `\\`, `\n`, `\r`, `\t`, `\xHH`; a lone `-` stands for "unset". */
import type { ByteString } from "../byteString.ts"

const named: Readonly<Record<string, string>> = { "\\": "\\", n: "\n", r: "\r", t: "\t" }
const escapes = /\\(?:([\\nrt])|x([0-9a-fA-F]{2})|)/g

/** Undoes the escapes of a field; undefined where a backslash starts none. */
export const unescape = (field: ByteString): ByteString | undefined => {
  if (!field.includes("\\")) return field
  let valid = true
  const bytes = field.replace(escapes, (_, letter: string | undefined, hex: string | undefined) => {
    if (letter !== undefined) return named[letter] ?? ""
    if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16))
    valid = false
    return ""
  })
  return valid ? bytes : undefined
}

const names: Readonly<Record<string, string>> = { "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t" }
const escapeByte = (byte: string): string => names[byte] ?? `\\x${byte.charCodeAt(0).toString(16).padStart(2, "0")}`

/** Escapes a path: every byte that is not a printable ASCII character other than the blank. */
export const escape = (bytes: ByteString): string => bytes.replace(/[^!-~]|\\/g, escapeByte)

/** Escapes a field in which `-` means unset. */
export const escapeOptional = (bytes: ByteString): string => bytes === "-" ? "\\x2d" : escape(bytes)

/** Escapes the name or the value of an attribute. */
export const escapeXattr = (bytes: ByteString): string => bytes.replace(/[^!-~]|[\\=]/g, escapeByte)
