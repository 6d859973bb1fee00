/** Undoes the escapes of composefs-dump(5) in bytes: `\\`, `\n`, `\r`, `\t`, `\xHH`. */

const backslash = 0x5c

/**
 * Writes what a range stands for to `into`, which may be its own start: it only gets shorter. Gives the end of what was
 * written, or for a backslash that starts nothing its place, as `-1 - place`.
 */
export const unescapeBytes = (bytes: Uint8Array, from: number, to: number, into: number): number => {
  let end = into
  for (let at = from; at < to; at++) {
    let byte = bytes[at] ?? 0
    if (byte === backslash) {
      const start = at
      const letter = ++at < to ? bytes[at] : undefined
      if (letter === 0x78) {
        byte = at + 2 < to ? hexByte(bytes[at + 1] ?? 0, bytes[at + 2] ?? 0) : -1
        at += 2
      } else {
        byte = namedByte(letter)
      }
      if (byte < 0) return -1 - start
    }
    bytes[end++] = byte
  }
  return end
}

const namedByte = (letter: number | undefined): number => {
  switch (letter) {
    case backslash:
      return backslash
    case 0x6e:
      return 0x0a
    case 0x72:
      return 0x0d
    case 0x74:
      return 0x09
    default:
      return -1
  }
}

/** The byte that two hex digits stand for, or a negative number. */
export const hexByte = (high: number, low: number): number => {
  const upper = hexDigit(high)
  const lower = hexDigit(low)
  return upper < 0 || lower < 0 ? -1 : (upper << 4) | lower
}

const hexDigit = (char: number): number => {
  const digit = char - 0x30
  if (digit >= 0 && digit <= 9) return digit
  const letter = (char | 0x20) - 0x61
  return letter >= 0 && letter <= 5 ? letter + 10 : -1
}
