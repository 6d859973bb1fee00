/** Compresses streams of bytes with zstd. */
import * as Stream from "effect/Stream"
import { pipeline, Readable } from "node:stream"
import { constants, createZstdCompress } from "node:zlib"

const inputSize = 128 * 1024

/** Compresses; the output depends on the bytes and the level only, not on how they arrive. */
export const compress = <E, E2>(
  stream: Stream.Stream<Uint8Array, E>,
  level: number,
  onError: (cause: unknown) => E2
): Stream.Stream<Uint8Array, E2> =>
  Stream.suspend(() => {
    const transform = createZstdCompress({
      params: { [constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_checksumFlag]: 1 }
    })
    // The error of either side reaches whoever reads the transform.
    pipeline(
      Readable.from(regroup(Stream.toAsyncIterable(stream)), { objectMode: true }),
      transform,
      () => {}
    )
    return Stream.fromAsyncIterable<Uint8Array, E2>(transform, onError)
  })

/** Cuts a stream into equal pieces. */
async function* regroup(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let piece = Buffer.allocUnsafe(inputSize)
  let filled = 0
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length;) {
      const count = Math.min(inputSize - filled, chunk.length - at)
      piece.set(chunk.subarray(at, at + count), filled)
      filled += count
      at += count
      if (filled < inputSize) continue
      yield piece
      piece = Buffer.allocUnsafe(inputSize)
      filled = 0
    }
  }
  if (filled > 0) yield piece.subarray(0, filled)
}
