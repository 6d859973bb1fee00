/** Bytes one after the other in one buffer that grows: names, targets, contents and attributes of a whole tree. */
export class ByteArena {
  /** Another array after whatever adds bytes. */
  bytes: Uint8Array
  size = 0

  /** What it starts with has the same place in every arena. */
  constructor(start: Uint8Array, capacity: number) {
    this.bytes = uninitialised(Math.max(capacity, start.length))
    this.append(start, 0, start.length)
  }

  /** Copies bytes to the end and returns where they start. */
  append(bytes: Uint8Array, from: number, to: number): number {
    const start = this.size
    this.reserve(to - from)
    copyBytes(bytes, from, to, this.bytes, start)
    this.size = start + to - from
    return start
  }

  /** Makes room behind the end, where bytes may be put before it is known whether they stay. */
  reserve(size: number): void {
    const needed = this.size + size
    if (needed <= this.bytes.length) return
    const grown = uninitialised(Math.max(needed, 2 * this.bytes.length))
    grown.set(this.bytes.subarray(0, this.size))
    this.bytes = grown
  }
}

const uninitialised = (size: number): Uint8Array => new Uint8Array(Buffer.allocUnsafeSlow(size).buffer)

/** Names are short: a loop is done before a call of `set` has begun. */
const longCopy = 200

export const copyBytes = (source: Uint8Array, from: number, to: number, target: Uint8Array, at: number): void => {
  if (to - from > longCopy) {
    target.set(source.subarray(from, to), at)
    return
  }
  const shift = at - from
  for (let index = from; index < to; index++) target[index + shift] = source[index] ?? 0
}

/** Compares two ranges as memcmp does; what is a prefix of the other comes first. */
export const compareRanges = (
  bytes: Uint8Array,
  leftFrom: number,
  leftTo: number,
  rightFrom: number,
  rightTo: number
): number => {
  const shift = rightFrom - leftFrom
  const end = Math.min(leftTo, rightTo - shift)
  for (let at = leftFrom; at < end; at++) {
    const difference = (bytes[at] ?? 0) - (bytes[at + shift] ?? 0)
    if (difference !== 0) return difference
  }
  return leftTo - leftFrom - (rightTo - rightFrom)
}
