import * as Result from "effect/Result"
import { Buffer } from "node:buffer"

const formType = "application/x-www-form-urlencoded"

export const isFormContent = (contentType: string | undefined): boolean =>
  contentType !== undefined && contentType.split(";", 1)[0]?.trim().toLowerCase() === formType

const field = Buffer.from("payload=")
const ampersand = 0x26
const plus = 0x2b
const percent = 0x25
const space = 0x20

/**
 * The decoded bytes of the one field of `payload=…`.
 *
 * A second field is refused, whatever its name: of two `payload` fields one would be verified and the other read.
 */
export const decodeFormPayload = (body: Uint8Array): Result.Result<Uint8Array, string> => {
  if (!field.equals(body.subarray(0, field.length))) {
    return Result.fail("form content has to begin with the field payload")
  }
  const decoded = new Uint8Array(body.length - field.length)
  let length = 0
  for (let index = field.length; index < body.length; index++) {
    const byte = body[index] ?? 0
    if (byte === ampersand) return Result.fail("form content holds more than the one field payload")
    if (byte === percent) {
      const value = hexByte(body[index + 1], body[index + 2])
      if (value === undefined) return Result.fail("form content holds a broken percent escape")
      decoded[length++] = value
      index += 2
    } else {
      decoded[length++] = byte === plus ? space : byte
    }
  }
  return Result.succeed(decoded.subarray(0, length))
}

const hexByte = (high: number | undefined, low: number | undefined): number | undefined => {
  const upper = hexDigit(high)
  const lower = hexDigit(low)
  return upper === undefined || lower === undefined ? undefined : upper * 16 + lower
}

const hexDigit = (byte: number | undefined): number | undefined => {
  if (byte === undefined) return undefined
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  const letter = byte | 0x20
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x61 + 10 : undefined
}
