/** How a layer is compressed, by its media type or its first bytes. */
import * as Effect from "effect/Effect"
import * as Pull from "effect/Pull"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import type { Compression } from "../decompress.ts"

/** Layers of the OCI image specification and of Docker's schema 2. */
const compressions: ReadonlyMap<string, Compression> = new Map([
  ["application/vnd.oci.image.layer.v1.tar", "none"],
  ["application/vnd.oci.image.layer.v1.tar+gzip", "gzip"],
  ["application/vnd.oci.image.layer.v1.tar+zstd", "zstd"],
  ["application/vnd.docker.image.rootfs.diff.tar", "none"],
  ["application/vnd.docker.image.rootfs.diff.tar.gzip", "gzip"],
  ["application/vnd.docker.image.rootfs.diff.tar.zstd", "zstd"],
  ["application/x-tar", "none"],
  ["application/gzip", "gzip"],
  ["application/zstd", "zstd"]
])

/** Types that say nothing: what the bytes start with decides. */
const generic = new Set(["", "application/octet-stream"])

/** What a media type says of a layer; `undefined` when the bytes have to tell. */
export const compressionOf = (mediaType: string): Result.Result<Compression | undefined, string> => {
  const type = (mediaType.split(";", 1)[0] ?? "").trim().toLowerCase()
  const known = compressions.get(type)
  if (known !== undefined || generic.has(type)) return Result.succeed(known)
  return Result.fail(
    type.startsWith("application/vnd.oci.image.layer.nondistributable.") || type.includes(".rootfs.foreign.")
      ? "a layer that is not distributed with its image; its content may be neither complete nor meant"
      : "it is not that of a file system layer"
  )
}

const magics: ReadonlyArray<readonly [Compression, string]> = [["gzip", "1f8b"], ["zstd", "28b52ffd"]]
const longestMagic = 4

/** Looks at the first bytes of a stream, which is returned whole. */
export const sniff = Effect.fnUntraced(function*<E, R>(content: Stream.Stream<Uint8Array, E, R>) {
  const pull = yield* Stream.toPull(content)
  const start: Array<Uint8Array> = []
  let isOpen = true
  while (isOpen && start.reduce((size, chunk) => size + chunk.length, 0) < longestMagic) {
    const chunks = yield* Pull.catchDone(pull, () => Effect.succeed([]))
    isOpen = chunks.length > 0
    for (const chunk of chunks) start.push(chunk)
  }
  const hex = Buffer.concat(start).toString("hex", 0, longestMagic)
  const compression: Compression = magics.find(([, magic]) => hex.startsWith(magic))?.[0] ?? "none"
  const rest = isOpen ? Stream.fromPull(Effect.succeed(pull)) : Stream.empty
  return { compression, content: Stream.concat(Stream.fromIterable(start), rest) }
})
