import * as Effect from "effect/Effect"

/** Bytes that arrive in chunks; `abandon` may be called at any time and does not wait. */
export interface ByteSource {
  readonly next: () => Promise<{ readonly done?: boolean | undefined; readonly value?: Uint8Array | undefined }>
  readonly abandon: () => void
}

/** What was read: `complete` is false when there was more than the limit; `bytes` are never more than it. */
export interface Collected {
  readonly bytes: Uint8Array
  readonly complete: boolean
}

/** The part of a `ReadableStream` that is used, so that those of the DOM, of Node and of undici all fit. */
export interface ReadableBytes {
  readonly getReader: () => {
    readonly read: () => Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>
    readonly cancel: () => Promise<void>
  }
}

const ignore = () => undefined

const empty: ByteSource = { next: () => Promise.resolve({ done: true }), abandon: ignore }

export const fromReadable = (body: ReadableBytes | null): ByteSource => {
  if (body === null) return empty
  const reader = body.getReader()
  return {
    next: () => reader.read(),
    // Not awaited: a stream that does not answer must not hold anything up.
    abandon: () => void reader.cancel().catch(ignore)
  }
}

export const fromIterator = (iterator: AsyncIterator<Uint8Array>): ByteSource => ({
  next: () => iterator.next(),
  abandon: () => void iterator.return?.().catch(ignore)
})

/** Reads a source up to a limit, in bytes, and abandons it whatever happens; fails when it breaks off. */
export const collect = (open: () => ByteSource, limitBytes: number): Effect.Effect<Collected, "BrokenOff"> =>
  Effect.acquireUseRelease(
    Effect.sync(open),
    (source) => collectFrom(source, limitBytes),
    (source) => Effect.sync(source.abandon)
  )

const collectFrom = Effect.fnUntraced(function*(source: ByteSource, limitBytes: number) {
  const buffer = new GrowingBuffer(limitBytes)
  while (true) {
    const { done, value } = yield* Effect.tryPromise({ try: () => source.next(), catch: () => "BrokenOff" as const })
    if (done === true) return { bytes: buffer.bytes, complete: true }
    if (value !== undefined && !buffer.append(value)) return { bytes: buffer.bytes, complete: false }
  }
})

const firstCapacity = 16 * 1024

/** Copies what it is given: a sender of tiny chunks would otherwise have a buffer of the socket kept for each. */
class GrowingBuffer {
  readonly #limit: number
  #storage: Uint8Array
  #size = 0

  constructor(limit: number) {
    this.#limit = limit
    this.#storage = new Uint8Array(Math.min(firstCapacity, limit))
  }

  get bytes(): Uint8Array {
    return this.#storage.slice(0, this.#size)
  }

  /** Takes as much as the limit allows; false when that is not all. */
  append(chunk: Uint8Array): boolean {
    const size = Math.min(this.#size + chunk.byteLength, this.#limit)
    if (size > this.#storage.byteLength) this.#grow(size)
    this.#storage.set(chunk.subarray(0, size - this.#size), this.#size)
    const isAll = this.#size + chunk.byteLength === size
    this.#size = size
    return isAll
  }

  #grow(atLeast: number): void {
    const storage = new Uint8Array(Math.min(Math.max(atLeast, 2 * this.#storage.byteLength), this.#limit))
    storage.set(this.#storage.subarray(0, this.#size))
    this.#storage = storage
  }
}
