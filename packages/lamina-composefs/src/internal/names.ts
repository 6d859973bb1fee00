/**
 * Names are bytes. In strings they are UTF-8, and where they are not, each foreign byte stands as a lone surrogate
 * U+DC80..U+DCFF: the convention of `Node` of @lamina/composefs.
 */
import { isUtf8 } from "node:buffer"
import { readFileSync } from "node:fs"

/** The arguments of this process. Node has U+FFFD for bytes that are not UTF-8; Linux still knows what was said. */
export const exactArguments = (args: ReadonlyArray<string>): ReadonlyArray<string> => {
  if (!args.some((argument) => argument.includes("\ufffd"))) return args
  const commandLine = readFileSync("/proc/self/cmdline", "latin1").split("\0").slice(0, -1)
  return commandLine.slice(-args.length).map((argument) => toText(Buffer.from(argument, "latin1")))
}

export const toText = (bytes: Buffer): string =>
  isUtf8(bytes)
    ? bytes.toString("utf8")
    : bytes.toString("latin1").replace(/[\u0080-\u00ff]/g, (byte) => String.fromCharCode(0xdc00 + byte.charCodeAt(0)))

export const toBytes = (text: string): Buffer =>
  loneSurrogate.test(text) ? Buffer.concat(Array.from(text, bytesOfCharacter)) : Buffer.from(text)

/** A path as Node takes it: as bytes, where it is not UTF-8. */
export const toPath = (text: string): string | Buffer => loneSurrogate.test(text) ? toBytes(text) : text

/** Sorts names by their bytes. */
export const sorted = (names: Iterable<string>): ReadonlyArray<string> =>
  Array.from(names, (name) => [toBytes(name).toString("latin1"), name] as const)
    .sort(([left], [right]) => left < right ? -1 : left > right ? 1 : 0)
    .map(([, name]) => name)

const loneSurrogate = /\p{Surrogate}/u

const bytesOfCharacter = (character: string): Buffer => {
  const code = character.codePointAt(0) ?? 0
  return code >= 0xdc80 && code <= 0xdcff ? Buffer.of(code - 0xdc00) : Buffer.from(character)
}

/** Plain ASCII, with every other byte escaped as in composefs-dump(5); the blank only where it would end a field. */
export const escape = (text: string, blank: "escaped" | "kept"): string => {
  const unsafe = blank === "escaped" ? /[^!-~]|\\/g : /[^ -~]|\\/g
  return toBytes(text).toString("latin1").replace(unsafe, (byte) => named[byte] ?? hex(byte.charCodeAt(0)))
}

/**
 * A text that cannot steer a terminal or forge a line: control characters (ESC, C1 and the rest), marks that turn the
 * direction of writing, and bytes that are not UTF-8 are escaped as in a dump. Other languages stay readable.
 */
export const printable = (text: string): string =>
  text.replace(unprintable, (character) => named[character] ?? Array.from(bytesOfCharacter(character), hex).join(""))

/** As {@link printable}, for a text of several lines. */
export const printableLines = (text: string): string => text.split("\n").map(printable).join("\n")

// oxlint-disable-next-line no-control-regex
const unprintable = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]|\p{Surrogate}/gu

const named: Readonly<Record<string, string>> = { "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t" }
const hex = (byte: number): string => `\\x${byte.toString(16).padStart(2, "0")}`
