import { Buffer } from "node:buffer"

/**
 * Decodes canonical base64 (padding present, unused bits zero), or gives `undefined`.
 *
 * Node's decoder takes any text, so the result is encoded again and compared: one value has one spelling.
 */
export const decodeCanonical = (text: string): Uint8Array | undefined => {
  const bytes = Buffer.from(text, "base64")
  return bytes.toString("base64") === text ? bytes : undefined
}
