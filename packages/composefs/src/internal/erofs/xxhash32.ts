/** xxHash32 of short inputs, as the EROFS name filter uses it (xxhash.com, "XXH32 algorithm description"). */
import type { ByteString } from "../byteString.ts"

const prime1 = 0x9e3779b1
const prime2 = 0x85ebca77
const prime3 = 0xc2b2ae3d
const prime4 = 0x27d4eb2f
const prime5 = 0x165667b1

const rotate = (value: number, by: number): number => (value << by) | (value >>> (32 - by))

export const xxhash32 = (input: ByteString, seed: number): number => {
  const end = input.length
  let at = 0
  let hash = (seed + prime5) | 0
  if (end >= 16) {
    let lane1 = (seed + prime1 + prime2) | 0
    let lane2 = (seed + prime2) | 0
    let lane3 = seed | 0
    let lane4 = (seed - prime1) | 0
    for (; at + 16 <= end; at += 16) {
      lane1 = round(lane1, word(input, at))
      lane2 = round(lane2, word(input, at + 4))
      lane3 = round(lane3, word(input, at + 8))
      lane4 = round(lane4, word(input, at + 12))
    }
    hash = (rotate(lane1, 1) + rotate(lane2, 7) + rotate(lane3, 12) + rotate(lane4, 18)) | 0
  }
  hash = (hash + end) | 0
  for (; at + 4 <= end; at += 4) {
    hash = Math.imul(rotate((hash + Math.imul(word(input, at), prime3)) | 0, 17), prime4)
  }
  for (; at < end; at++) {
    hash = Math.imul(rotate((hash + Math.imul(input.charCodeAt(at), prime5)) | 0, 11), prime1)
  }
  return avalanche(hash)
}

const round = (lane: number, value: number): number =>
  Math.imul(rotate((lane + Math.imul(value, prime2)) | 0, 13), prime1)

const word = (input: ByteString, at: number): number =>
  input.charCodeAt(at) | (input.charCodeAt(at + 1) << 8) | (input.charCodeAt(at + 2) << 16) |
  (input.charCodeAt(at + 3) << 24)

const avalanche = (hash: number): number => {
  let mixed = Math.imul(hash ^ (hash >>> 15), prime2)
  mixed = Math.imul(mixed ^ (mixed >>> 13), prime3)
  return (mixed ^ (mixed >>> 16)) >>> 0
}
