/** Bytes one after the other in one buffer that grows: names, targets, contents and attributes of a whole tree. */
export class ByteArena {
  bytes: Uint8Array
  size = 0

  /** What the buffer starts with has the same place in every arena. */
  constructor(start: Uint8Array, capacity: number) {
    this.bytes = uninitialised(Math.max(capacity, start.length))
    this.add(start, 0, start.length)
  }

  /** Copies bytes to the end and returns where they start. */
  add(bytes: Uint8Array, from: number, to: number): number {
    const start = this.size
    if (start + to - from > this.bytes.length) this.#grow(start + to - from)
    copyBytes(bytes, from, to, this.bytes, start)
    this.size = start + to - from
    return start
  }

  #grow(size: number): void {
    const grown = uninitialised(Math.max(size, 2 * this.bytes.length))
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

/** Compares as memcmp does; what is a prefix of the other comes first. */
export const compareBytes = (
  left: Uint8Array,
  leftFrom: number,
  leftTo: number,
  right: Uint8Array,
  rightFrom: number,
  rightTo: number
): number => {
  const size = Math.min(leftTo - leftFrom, rightTo - rightFrom)
  for (let index = 0; index < size; index++) {
    const difference = (left[leftFrom + index] ?? 0) - (right[rightFrom + index] ?? 0)
    if (difference !== 0) return difference
  }
  return leftTo - leftFrom - (rightTo - rightFrom)
}
