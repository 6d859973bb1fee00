/** The archive in a compressed layer, as a stream of bytes. */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { pipeline, Readable } from "node:stream"
import { constants, createGunzip, createZstdDecompress, type Gunzip, type ZstdDecompress } from "node:zlib"

export type Compression = "none" | "gzip" | "zstd"

/** Windows up to 128 MiB: what `zstd` itself takes without being asked. */
const maxWindowLog = 27
const outputSize = 256 * 1024

/**
 * The archive in a layer. Concatenated gzip members and zstd frames are one archive, as everywhere in the field; bytes
 * behind them, which some tools ignore and others not, are refused. `onProblem` makes the error.
 */
export const decompress = <E, E2>(
  content: Stream.Stream<Uint8Array, E>,
  compression: Compression,
  onProblem: (problem: string) => E2
): Stream.Stream<Uint8Array, E | E2> => {
  switch (compression) {
    case "none":
      return content
    case "gzip":
      return through(content, () => createGunzip({ chunkSize: outputSize }), (problem) => onProblem(`gzip: ${problem}`))
    case "zstd":
      return through(
        content,
        () =>
          createZstdDecompress({ params: { [constants.ZSTD_d_windowLogMax]: maxWindowLog }, chunkSize: outputSize }),
        (problem) => onProblem(`zstd: ${problem}`)
      )
  }
}

const through = <E, E2>(
  content: Stream.Stream<Uint8Array, E>,
  makeTransform: () => Gunzip | ZstdDecompress,
  onProblem: (problem: string) => E2
): Stream.Stream<Uint8Array, E | E2> =>
  Stream.suspend(() => {
    let fed = 0
    // An error of the content's own stream passes through a Node stream; this remembers what it was.
    let upstream: { readonly error: E } | undefined
    const counted = content.pipe(
      Stream.tapError((error) =>
        Effect.sync(() => {
          upstream = { error }
        })
      ),
      Stream.tap((chunk) =>
        Effect.sync(() => {
          fed += chunk.length
        })
      )
    )
    const transform = makeTransform()
    // The error of either side reaches whoever reads the transform.
    pipeline(Readable.from(Stream.toAsyncIterable(counted), { highWaterMark: 1 }), transform, () => {})
    const plain = Stream.fromAsyncIterable<Uint8Array, E | E2>(
      transform,
      (cause) =>
        upstream === undefined ? onProblem(cause instanceof Error ? cause.message : String(cause)) : upstream.error
    )
    const complete = Effect.suspend(() =>
      transform.bytesWritten === fed ? Effect.void : Effect.fail(onProblem("bytes follow the compressed archive"))
    )
    return Stream.concat(plain, Stream.drain(Stream.fromEffect(complete)))
  })
