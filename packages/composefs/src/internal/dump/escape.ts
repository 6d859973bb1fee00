/** Escapes of composefs-dump(5): `\\`, `\n`, `\r`, `\t`, `\xHH`; a lone `-` stands for "unset". */
import type { ByteString } from "../byteString.ts"

const names: Readonly<Record<string, string>> = { "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t" }
const escapeByte = (byte: string): string => names[byte] ?? `\\x${byte.charCodeAt(0).toString(16).padStart(2, "0")}`

/** Escapes a path: every byte that is not a printable ASCII character other than the blank. */
export const escape = (bytes: ByteString): string => bytes.replace(/[^!-~]|\\/g, escapeByte)

/** Escapes a field in which `-` means unset. */
export const escapeOptional = (bytes: ByteString): string => bytes === "-" ? "\\x2d" : escape(bytes)

/** Escapes the name or the value of an attribute. */
export const escapeXattr = (bytes: ByteString): string => bytes.replace(/[^!-~]|[\\=]/g, escapeByte)
