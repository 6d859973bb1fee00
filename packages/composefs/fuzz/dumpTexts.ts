/**
 * Other spellings of a dump, and faulty ones. A printer spells everything one way; readers must know them all (reference
 * §2.1), and agree on what is wrong. Texts are byte strings here: one char for each byte.
 */
import type { Random } from "./Random.ts"

const fieldCount = 11
const field = {
  path: 0,
  size: 1,
  mode: 2,
  nlink: 3,
  uid: 4,
  gid: 5,
  rdev: 6,
  mtime: 7,
  payload: 8,
  content: 9,
  digest: 10
}

/** The same dump in another spelling. */
export const respell = (dump: string, random: Random): string => {
  const lines = dump.slice(0, -1).split("\n").map((line, index) => respellLine(line, index === 0, random))
  return lines.join("\n") + (random.onceIn(8) ? "" : "\n")
}

const respellLine = (line: string, isRoot: boolean, random: Random): string => {
  const fields = line.split(" ")
  const fixed = fields.slice(0, fieldCount)
  const isLink = fixed[field.mode]?.startsWith("@") ?? false
  const texts = fixed.map((text, index) => {
    switch (index) {
      case field.path:
        return isRoot ? text : respellPath(text, random)
      case field.mode:
        return respellMode(text, random)
      case field.size:
      case field.nlink:
      case field.uid:
      case field.gid:
      case field.rdev:
        // Nobody reads what a hard link says about its target.
        return isLink && random.onceIn(4)
          ? random.pick("-", "x", "", "99")
          : respellNumber(text, index === field.size ? 0 : 2 ** 32, random)
      case field.mtime:
        return isLink ? text : text.split(".").map((number) => respellNumber(number, 0, random)).join(".")
      case field.digest:
        return random.onceIn(4) ? text.toUpperCase() : respellBytes(text, random)
      default:
        return respellBytes(text, random)
    }
  })
  const xattrs = respellXattrs(fields.slice(fieldCount), random)
  if (xattrs.length > 0) return [...texts, ...xattrs].join(" ") + (random.onceIn(8) ? " " : "")
  return random.onceIn(8) ? dropTrailing(texts, isLink) : texts.join(" ") + (random.onceIn(16) ? " " : "")
}

/** Trailing fields may be missing where they are not read. */
const dropTrailing = (texts: ReadonlyArray<string>, isLink: boolean): string => {
  if (isLink) return texts.slice(0, field.content).join(" ")
  const isSpecial = /[1-9]0[0-7]{4}$|^1[4][0-7]{4}$/.test(texts[field.mode] ?? "") && texts[field.payload] === "-"
  return isSpecial && texts[field.digest] === "-" && texts[field.size] === "0"
    ? texts.slice(0, field.payload).join(" ")
    : texts.join(" ")
}

const respellPath = (text: string, random: Random): string => {
  const path = respellBytes(text, random)
  if (random.onceIn(8)) return path.replace(/^\//, "")
  return random.onceIn(8) ? path.replaceAll("/", () => "/".repeat(1 + random.below(3))) : path
}

const tokens = /\\x[0-9a-f]{2}|\\.|[^]/g

/** Bytes need no escape unless they mean something, and may have one anyway. */
const respellBytes = (text: string, random: Random): string => {
  if (text === "-" || !random.onceIn(3)) return text
  return text.replace(tokens, (token) => {
    if (!random.onceIn(6)) return token
    const code = codeOf(token)
    const isSafe = code !== 0 && code !== 0x0a && code !== 0x20 && code !== 0x5c && code !== 0x2d
    return isSafe && random.onceIn(2) ? String.fromCharCode(code) : escaped(code, random)
  })
}

const named: Readonly<Record<string, number>> = { "\\\\": 0x5c, "\\n": 0x0a, "\\r": 0x0d, "\\t": 0x09 }

const codeOf = (token: string): number =>
  token.length === 4 ? Number.parseInt(token.slice(2), 16) : named[token] ?? token.charCodeAt(0)

const escaped = (code: number, random: Random): string => {
  const hex = code.toString(16).padStart(2, "0")
  return `\\x${random.onceIn(2) ? hex : hex.toUpperCase()}`
}

/** strtoull takes blanks, a sign and zeros in front; what is more than the field holds is cut off. */
const respellNumber = (text: string, modulus: number, random: Random): string => {
  if (!/^\d+$/.test(text) || !random.onceIn(6)) return text
  switch (random.below(modulus === 0 ? 3 : 5)) {
    case 0:
      return `+${text}`
    case 1:
      return random.pick("\t", "\v", "\f", "\r") + text
    case 2:
      return `000${text}`
    case 3:
      return String(BigInt(text) + BigInt(modulus))
    default:
      return String(BigInt(text) - BigInt(modulus))
  }
}

const respellMode = (text: string, random: Random): string => {
  if (!random.onceIn(6)) return text
  const marker = text.startsWith("@") ? "@" : ""
  const digits = text.slice(marker.length)
  return marker + random.pick(`+${digits}`, `0${digits}`, `\t${digits}`, `20${digits.padStart(6, "0")}`)
}

/** An earlier value of the same name does not count; the order does not either. */
const respellXattrs = (xattrs: ReadonlyArray<string>, random: Random): ReadonlyArray<string> => {
  if (xattrs.length === 0 || xattrs.length > 20) return xattrs
  const texts = xattrs.map((text) => {
    const split = text.indexOf("=")
    const value = text.slice(split + 1)
    return `${text.slice(0, split)}=${random.onceIn(3) ? value.replaceAll("\\x3d", "=") : value}`
  })
  const first = texts[0] ?? ""
  if (random.onceIn(4)) texts.unshift(`${first.slice(0, first.indexOf("="))}=earlier`)
  return random.onceIn(4) ? texts.slice(0, 1).concat(texts.slice(1).reverse()) : texts
}

const oddTokens = [
  "",
  "-",
  "--",
  "0",
  "-1",
  "+1",
  "0x10",
  "1.5",
  "1e3",
  "\t7",
  "7\t",
  "4294967295",
  "4294967296",
  "18446744073709551615",
  "18446744073709551616",
  "-18446744073709551615",
  "9007199254740993",
  "/",
  "//",
  "/.",
  "/..",
  "/a/",
  ".",
  "@100644",
  "@40755",
  "@@100644",
  "@",
  "100644",
  "40755",
  "120777",
  "20644",
  "60644",
  "10644",
  "140644",
  "170644",
  "644",
  "-37134",
  "1.0.0",
  "1.",
  ".1",
  "-5.-5",
  "\\",
  "\\x",
  "\\x4",
  "\\xzz",
  "\\q",
  "\\x00",
  "a\\x00b",
  "\\x2d",
  "\\x20",
  "\\x2f",
  "=",
  "a=",
  "=a",
  "user.a=b",
  "user.overlay.opaque=yyy",
  "a".repeat(64),
  "a".repeat(63),
  "a".repeat(66),
  "g".repeat(64),
  "a".repeat(256),
  "a".repeat(5001),
  "\xff"
]
const oddChars = "\0\t\n\r \\/@-+.=0123456789axn\x7f\x80\xff"

/** A dump with a fault, or what looks like one. */
export const disturb = (dump: string, random: Random): string => {
  const lines = dump.split("\n")
  const index = random.below(lines.length)
  const line = lines[index] ?? ""
  const fields = line.split(" ")
  const at = random.below(fields.length)
  switch (random.below(9)) {
    case 0:
      fields[at] = random.oneOf(oddTokens, "")
      break
    case 1:
      fields[at] = disturbText(fields[at] ?? "", random)
      break
    case 2:
      fields.splice(at, 1)
      break
    case 3:
      fields.splice(at, 0, random.oneOf(oddTokens, ""))
      break
    case 4:
      fields.length = at
      break
    case 5:
      fields[at] = random.oneOf(random.oneOf(lines, "").split(" "), "")
      break
    case 6:
      lines.splice(index, 1)
      return lines.join("\n")
    case 7:
      lines.splice(random.below(lines.length), 0, line)
      return lines.join("\n")
    default:
      return disturbText(dump, random)
  }
  lines[index] = fields.join(" ")
  return lines.join("\n")
}

const disturbText = (text: string, random: Random): string => {
  const at = random.below(text.length + 1)
  const removed = random.below(3)
  const added = random.onceIn(3) ? "" : oddChars.charAt(random.below(oddChars.length))
  return text.slice(0, at) + added + text.slice(at + removed)
}
