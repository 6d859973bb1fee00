/** What is read: files that a command line names, and the standard input. */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import {
  closeSync,
  constants,
  createReadStream,
  fstatSync,
  openSync,
  readFileSync,
  type Stats,
  statSync
} from "node:fs"
import { Socket } from "node:net"
import type { Readable } from "node:stream"
import { isatty, ReadStream as TerminalStream } from "node:tty"
import { attempt, systemProblem, Unusable } from "./failure.ts"
import { toPath } from "./names.ts"

/** The size of the largest image. Dumps have less, also those of the largest distributions. */
const largestInput = 2 ** 32 - 1

/** Larger files are not read at once: until then nothing could interrupt. */
const largestAtOnce = 2 ** 28

/** Everything in a file, which may also be a pipe, a terminal or `/dev/fd/N`. */
export const readFile = (path: string): Effect.Effect<Uint8Array, Unusable> =>
  Effect.acquireUseRelease(
    open(path),
    (file) => readOpen(file, path),
    (file) => Effect.sync(() => file.close())
  )

/** Everything that a stream brings, as long as it can be an image or a dump. */
export const readAll = Effect.fnUntraced(function*(subject: string, stream: Stream.Stream<Uint8Array, Unusable>) {
  const chunks: Array<Uint8Array> = []
  let size = 0
  yield* Stream.runForEach(stream, (chunk) => {
    chunks.push(chunk)
    size += chunk.length
    return checkSize(subject, size, "more than ")
  })
  return Buffer.concat(chunks)
})

/** The content of a file that may be larger than memory. */
export const streamFile = (path: string): Stream.Stream<Uint8Array, Unusable> =>
  Stream.unwrap(Effect.map(
    Effect.acquireRelease(open(path), (file) => Effect.sync(() => file.close())),
    (file) => streamOpen(file, path)
  ))

/** Whether a file has its size and its bytes at hand, so that it can be read by several threads, or in parts. */
export const isAtHand = (path: string): Effect.Effect<boolean, Unusable> =>
  Effect.map(attempt(path, () => statSync(toPath(path))), (stats) => stats.isFile() || stats.isBlockDevice())

/** What a readable of Node brings. */
export const streamReadable = (subject: string, readable: () => Readable): Stream.Stream<Uint8Array, Unusable> =>
  Stream.suspend(() =>
    Stream.fromAsyncIterable(
      chunksOf(readable()),
      (cause) => new Unusable({ subject, problem: systemProblem(cause) })
    )
  )

/** Who wants no more does not wait for what comes next, as with a readable's own iterator. */
const chunksOf = (readable: Readable): AsyncIterable<Uint8Array> => ({
  [Symbol.asyncIterator]: () => {
    const chunks: AsyncIterator<Uint8Array> = readable[Symbol.asyncIterator]()
    return {
      next: () => chunks.next(),
      return: () => {
        readable.destroy()
        return Promise.resolve({ done: true, value: undefined })
      }
    }
  }
})

class OpenFile {
  readonly file: number
  readonly stats: Stats
  #isOpen = true

  constructor(path: string) {
    // Whoever opens a FIFO waits for a writer otherwise, deaf to signals.
    this.file = openSync(toPath(path), constants.O_RDONLY | constants.O_NONBLOCK)
    this.stats = fstatSync(this.file)
  }

  /** Leaves the file to somebody who closes it. */
  take(): number {
    this.#isOpen = false
    return this.file
  }

  close(): void {
    if (this.#isOpen) closeSync(this.take())
  }
}

const open = (path: string): Effect.Effect<OpenFile, Unusable> =>
  Effect.tap(attempt(path, () => new OpenFile(path)), (file) => {
    if (!file.stats.isDirectory()) return Effect.void
    file.close()
    return Effect.fail(new Unusable({ subject: path, problem: "it is a directory" }))
  })

const readOpen = (file: OpenFile, path: string): Effect.Effect<Uint8Array, Unusable> => {
  const { stats } = file
  if (!stats.isFile()) return readAll(path, streamOpen(file, path))
  return Effect.andThen(
    checkSize(path, stats.size, ""),
    stats.size <= largestAtOnce ? attempt(path, () => readFileSync(file.file)) : readAll(path, streamOpen(file, path))
  )
}

const checkSize = (subject: string, size: number, more: string): Effect.Effect<void, Unusable> =>
  size <= largestInput
    ? Effect.void
    : Effect.fail(
      new Unusable({
        subject,
        problem: `it has ${more}${
          more === "" ? size : largestInput
        } bytes; images and dumps have at most ${largestInput}`
      })
    )

const streamOpen = (file: OpenFile, path: string): Stream.Stream<Uint8Array, Unusable> =>
  streamReadable(path, () => readableOf(file, path))

/** Pipes and terminals tell when they have something; of other files each read returns soon. */
const readableOf = (file: OpenFile, path: string): Readable => {
  const fd = file.take()
  if (file.stats.isFIFO()) return new Socket({ fd, readable: true, writable: false })
  return isatty(fd) ? new TerminalStream(fd) : createReadStream(path, { fd, highWaterMark: 1 << 20 })
}
