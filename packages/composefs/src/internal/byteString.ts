/**
 * File names, link targets and attribute names are bytes to the kernel. Outside the package they are ordinary strings:
 * UTF-8 where the bytes are UTF-8, and every other byte as a lone surrogate U+DC80..U+DCFF, so that no name is lost
 * (Python calls this "surrogateescape"). Inside, the formats work on *byte strings*: one char per byte, so that `length`
 * is a byte count and `<` is memcmp.
 */
import { isUtf8 } from "node:buffer"

/** A string in which every char stands for one byte. */
export type ByteString = string

// oxlint-disable-next-line no-control-regex
const nonAscii = /[^\u0000-\u007f]/
const loneSurrogate = /[\ud800-\udfff]/u
const escapeBase = 0xdc00

export const fromText = (text: string): ByteString => {
  if (!nonAscii.test(text)) return text
  if (!loneSurrogate.test(text)) return Buffer.from(text, "utf8").toString("latin1")
  let bytes = ""
  for (const char of text) {
    const code = char.codePointAt(0) ?? 0
    bytes += code >= 0xdc80 && code <= 0xdcff
      ? String.fromCharCode(code - escapeBase)
      : Buffer.from(char, "utf8").toString("latin1")
  }
  return bytes
}

export const toText = (bytes: ByteString): string => nonAscii.test(bytes) ? decode(Buffer.from(bytes, "latin1")) : bytes

export const bytesToText = (bytes: Uint8Array): string => toText(fromBytes(bytes))

export const fromBytes = (bytes: Uint8Array): ByteString =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1")

export const toBytes = (bytes: ByteString): Buffer => Buffer.from(bytes, "latin1")

/** The bytes as a plain array: loops over bytes are compiled for one kind of array, and should meet no other. */
export const toArray = (bytes: ByteString): Uint8Array => {
  const array = new Uint8Array(bytes.length)
  for (let at = 0; at < bytes.length; at++) array[at] = bytes.charCodeAt(at)
  return array
}

/** Compares as memcmp does; a shorter string that is a prefix comes first. */
export const compare = (left: ByteString, right: ByteString): number => left < right ? -1 : left > right ? 1 : 0

const decode = (bytes: Buffer): string => {
  if (isUtf8(bytes)) return bytes.toString("utf8")
  let text = ""
  for (let at = 0; at < bytes.length;) {
    const length = sequenceLength(bytes, at)
    text += length === 0 ? String.fromCharCode(escapeBase + (bytes[at] ?? 0)) : bytes.toString("utf8", at, at + length)
    at += Math.max(length, 1)
  }
  return text
}

/** The length of the valid UTF-8 sequence that starts at `at`, or 0. */
const sequenceLength = (bytes: Buffer, at: number): number => {
  const lead = bytes[at] ?? 0
  const length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4
  return at + length <= bytes.length && isUtf8(bytes.subarray(at, at + length)) ? length : 0
}

/** Whether a text stands for valid UTF-8, so that the file system takes it as a string. */
export const isUtf8Text = (text: string): boolean => !loneSurrogate.test(text)
