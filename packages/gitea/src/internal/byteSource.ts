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
  const chunks: Array<Uint8Array> = []
  let size = 0
  while (true) {
    const { done, value } = yield* Effect.tryPromise({ try: () => source.next(), catch: () => "BrokenOff" as const })
    if (done === true) return { bytes: concatenate(chunks, size), complete: true }
    if (value === undefined) continue
    const room = limitBytes - size
    if (value.byteLength > room) {
      chunks.push(value.subarray(0, room))
      return { bytes: concatenate(chunks, limitBytes), complete: false }
    }
    chunks.push(value)
    size += value.byteLength
  }
})

const concatenate = (chunks: ReadonlyArray<Uint8Array>, size: number): Uint8Array => {
  const bytes = new Uint8Array(size)
  let offset = 0
  for (const chunk of chunks) {
    bytes.set(chunk, offset)
    offset += chunk.byteLength
  }
  return bytes
}
