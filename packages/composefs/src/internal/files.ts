/** Reading and writing files in chunks, with failures as values. */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs"
import { type FileHandle, open } from "node:fs/promises"
import { type FilePath, readOnly } from "./openFlags.ts"

/** A failed call to the file system; each area turns it into its own error. */
export interface FileProblem {
  readonly code: string
  readonly problem: string
}

export const chunkSize = 1 << 20

export const fileProblem = (cause: unknown): FileProblem => ({
  code: cause instanceof Error && "code" in cause ? String(cause.code) : "",
  problem: cause instanceof Error ? cause.message : String(cause)
})

export const attempt = <A>(call: () => Promise<A>): Effect.Effect<A, FileProblem> =>
  Effect.tryPromise({ try: call, catch: fileProblem })

/** Forces a file, or the names in a directory, to the disk. */
export const syncPath = (path: string): Effect.Effect<void, FileProblem> =>
  Effect.acquireUseRelease(
    attempt(() => open(path, constants.O_RDONLY)),
    (handle) => attempt(() => handle.sync()),
    (handle) => Effect.ignore(attempt(() => handle.close()))
  )

/**
 * Calls `use` with each chunk of an open file in turn, until it answers false; the chunk is only valid during the call.
 * Returns the number of bytes.
 */
export const eachChunkOf = Effect.fnUntraced(function*(handle: FileHandle, use: (chunk: Uint8Array) => boolean) {
  let [current, next] = [Buffer.allocUnsafeSlow(chunkSize), Buffer.allocUnsafeSlow(chunkSize)]
  let filled = yield* fill(handle, current)
  let total = 0
  while (filled > 0) {
    const reading = yield* Effect.forkChild(fill(handle, next), { startImmediately: true })
    const goesOn = use(current.subarray(0, filled))
    total += filled
    if (!goesOn) {
      yield* Fiber.interrupt(reading)
      return total
    }
    filled = yield* Fiber.join(reading)
    ;[current, next] = [next, current]
  }
  return total
})

const fill = (handle: FileHandle, buffer: Buffer): Effect.Effect<number, FileProblem> =>
  Effect.map(attempt(() => handle.read(buffer, 0, buffer.length, null)), ({ bytesRead }) => bytesRead)

/**
 * A file as a stream of fresh chunks. A small one is read at once: the way to a thread and back costs more than the read,
 * and a tree has many of them.
 */
export const streamFile = (path: FilePath, flags: number = readOnly): Stream.Stream<Uint8Array, FileProblem> =>
  Stream.unwrap(
    Effect.map(
      Effect.try({ try: () => readSmall(path, flags), catch: fileProblem }),
      (content) =>
        content === undefined ? streamLarge(path, flags) : content.length === 0 ? Stream.empty : Stream.make(content)
    )
  )

/** The content of a regular file of at most `chunkSize` bytes; `undefined` for others. */
const readSmall = (path: FilePath, flags: number): Uint8Array | undefined => {
  const file = openSync(path, flags)
  try {
    const stats = fstatSync(file)
    return stats.isFile() && stats.size <= chunkSize ? readUpTo(file, stats.size) : undefined
  } finally {
    closeSync(file)
  }
}

/** The bytes of an open file, and one more than `size` where it has grown. */
export const readUpTo = (file: number, size: number): Uint8Array => {
  const buffer = Buffer.allocUnsafeSlow(size + 1)
  let filled = 0
  for (let count = -1; count !== 0 && filled < buffer.length; filled += count) {
    count = readSync(file, buffer, filled, buffer.length - filled, null)
  }
  return buffer.subarray(0, filled)
}

const streamLarge = (path: FilePath, flags: number): Stream.Stream<Uint8Array, FileProblem> =>
  Stream.unwrap(Effect.gen(function*() {
    const handle = yield* Effect.acquireRelease(
      attempt(() => open(path, flags)),
      (handle) => Effect.ignore(attempt(() => handle.close()))
    )
    return Stream.fromAsyncIterable(chunksOf(handle), fileProblem)
  }))

async function* chunksOf(handle: FileHandle): AsyncGenerator<Uint8Array> {
  for (;;) {
    const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafeSlow(chunkSize), 0, chunkSize, null)
    if (bytesRead === 0) return
    yield buffer.subarray(0, bytesRead)
  }
}
