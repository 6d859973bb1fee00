/** Which inodes with several names somebody reads already: a set that threads share, on one file system. */
export class InodeClaims {
  readonly #slots: BigInt64Array

  constructor(shared: SharedArrayBuffer) {
    this.#slots = new BigInt64Array(shared)
  }

  /** Memory for a set; the system gives it page by page, as it is used. */
  static share(): SharedArrayBuffer {
    return new SharedArrayBuffer(slotCount * BigInt64Array.BYTES_PER_ELEMENT)
  }

  /** Whether the caller has to read this inode: it is the first who asks, or there is no more room to remember. */
  claim(inode: bigint): boolean {
    const start = Number(BigInt.asUintN(32, inode * spread)) % slotCount
    for (let step = 0; step < maxSteps; step++) {
      const slot = (start + step) % slotCount
      const known = Atomics.compareExchange(this.#slots, slot, 0n, inode)
      if (known === 0n) return true
      if (known === BigInt.asIntN(64, inode)) return false
    }
    return true
  }
}

const slotCount = 1 << 20
const maxSteps = 64
/** Knuth's multiplicative hash: inodes that differ in high bits only must not share a slot. */
const spread = 0x9e3779b1n
