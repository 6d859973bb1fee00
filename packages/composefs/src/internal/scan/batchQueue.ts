import type * as ByteString from "../byteString.ts"
import type { FilePath } from "../openFlags.ts"
import { type Batch, childOf, groupOf, namesOf, pathOf, sizeOf, type Task } from "./batch.ts"

/** Entries that wait to be read, packed into batches. Each has a slot: the number of entries that were added before it. */
export class BatchQueue {
  readonly #batchSize: number
  /** All of ordinary files, in the order of their slots. */
  readonly #batches: Array<Batch> = []
  readonly #large: Array<{ readonly batch: Batch; readonly load: number }> = []
  #next = 0
  #open: Array<OpenGroup> = []
  #openSize = 0
  #added = 0
  #load = 0

  constructor(batchSize: number) {
    this.#batchSize = batchSize
  }

  /** What waits, counted in files of ordinary size. */
  get load(): number {
    return this.#load
  }

  /** Returns the slot. */
  add(directory: FilePath, name: ByteString.ByteString, task: Task): number {
    const last = this.#open.at(-1)
    if (last?.directory === directory) {
      last.names.push(name)
      last.tasks.push(task)
    } else this.#open.push({ directory, names: [name], tasks: [task] })
    this.#load++
    this.#openSize++
    const slot = this.#added++
    if (this.#openSize === this.#batchSize) this.close()
    return slot
  }

  /** Lets a file which turned out to be large be read again, by itself. */
  addLarge(slot: number, size: number): void {
    const { directory, name } = this.#find(slot)
    const load = Math.ceil(size / ordinarySize)
    this.#large.push({ batch: { first: slot, groups: [groupOf(directory, [name], ["large file"])] }, load })
    this.#load += load
  }

  /** Gives out the batch that is being filled, too. */
  close(): void {
    if (this.#openSize === 0) return
    const groups = this.#open.map(({ directory, names, tasks }) => groupOf(directory, names, tasks))
    this.#batches.push({ first: this.#added - this.#openSize, groups })
    this.#open = []
    this.#openSize = 0
  }

  /** Large files come first: the last one to be read should not be one of them. */
  next(): Batch | undefined {
    const large = this.#large.pop()
    if (large !== undefined) {
      this.#load -= large.load
      return large.batch
    }
    const batch = this.#batches[this.#next]
    if (batch === undefined) return undefined
    this.#next++
    this.#load -= sizeOf(batch)
    return batch
  }

  /** The path from which the entry of a slot is read. */
  pathOf(slot: number): FilePath {
    const { directory, name } = this.#find(slot)
    return childOf(directory, name)
  }

  #find(slot: number): { readonly directory: FilePath; readonly name: ByteString.ByteString } {
    const batch = this.#batchOf(slot)
    let at = slot - (batch?.first ?? 0)
    for (const group of batch?.groups ?? []) {
      const name = at < group.tasks.length ? namesOf(group)[at] : undefined
      if (name !== undefined) return { directory: pathOf(group), name }
      at -= group.tasks.length
    }
    throw new RangeError(`slot ${slot} is in no batch`)
  }

  #batchOf(slot: number): Batch | undefined {
    let [low, high] = [0, this.#batches.length]
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if ((this.#batches[middle]?.first ?? 0) <= slot) low = middle
      else high = middle
    }
    return this.#batches[low]
  }
}

interface OpenGroup {
  readonly directory: FilePath
  readonly names: Array<ByteString.ByteString>
  readonly tasks: Array<Task>
}

/** Bytes of a file whose reading takes as long as its opening. */
const ordinarySize = 16 << 10
