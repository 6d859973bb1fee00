/**
 * Writes DER (ITU-T X.690): as much of it as certificates need.
 *
 * @since 0.1.0
 */

const element = (tag: number, ...parts: ReadonlyArray<Uint8Array>): Buffer => {
  const content = Buffer.concat(parts)
  return Buffer.concat([Buffer.from([tag]), length(content.byteLength), content])
}

const length = (bytes: number): Buffer => {
  if (bytes < 0x80) return Buffer.from([bytes])
  const hex = bytes.toString(16)
  const big = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, "hex")
  return Buffer.concat([Buffer.from([0x80 | big.byteLength]), big])
}

export const sequence = (...parts: ReadonlyArray<Uint8Array>): Buffer => element(0x30, ...parts)

export const set = (...parts: ReadonlyArray<Uint8Array>): Buffer => element(0x31, ...parts)

/** A positive integer from its big-endian bytes. */
export const integer = (bytes: Uint8Array): Buffer =>
  element(0x02, (bytes[0] ?? 0) >= 0x80 ? Buffer.from([0]) : new Uint8Array(), bytes)

export const boolean = (value: boolean): Buffer => element(0x01, Buffer.from([value ? 0xff : 0]))

export const octetString = (bytes: Uint8Array): Buffer => element(0x04, bytes)

export const bitString = (bytes: Uint8Array, unusedBits = 0): Buffer => element(0x03, Buffer.from([unusedBits]), bytes)

export const utf8String = (text: string): Buffer => element(0x0c, Buffer.from(text, "utf8"))

/** `[number] IMPLICIT` around the content of a primitive, or `EXPLICIT` around whole elements. */
export const contextPrimitive = (number: number, bytes: Uint8Array): Buffer => element(0x80 | number, bytes)

export const contextConstructed = (number: number, ...parts: ReadonlyArray<Uint8Array>): Buffer =>
  element(0xa0 | number, ...parts)

export const objectIdentifier = (dotted: string): Buffer => {
  const [first = 0, second = 0, ...arcs] = dotted.split(".").map(Number)
  return element(0x06, Buffer.from([first * 40 + second, ...arcs.flatMap(base128)]))
}

const base128 = (arc: number): ReadonlyArray<number> => {
  const groups = [arc & 0x7f]
  for (let rest = arc >>> 7; rest > 0; rest >>>= 7) groups.unshift((rest & 0x7f) | 0x80)
  return groups
}

/** UTCTime until 2049, then GeneralizedTime (RFC 5280 §4.1.2.5); seconds since 1970. */
export const time = (seconds: number): Buffer => {
  const digits = new Date(seconds * 1000).toISOString().replace(/[-:T]/g, "").slice(0, 14)
  return Number(digits.slice(0, 4)) < 2050
    ? element(0x17, Buffer.from(`${digits.slice(2)}Z`))
    : element(0x18, Buffer.from(`${digits}Z`))
}
