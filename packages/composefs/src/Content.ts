/**
 * The contents of external files, apart from the trees that name them: where they are read from and written to.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as FsVerity from "./FsVerity.ts"

/**
 * Why a content could not be read or stored.
 *
 * @category errors
 * @since 0.1.0
 */
export class ContentError extends Schema.TaggedError<ContentError>("@lamina/composefs/ContentError")("ContentError", {
  reason: Schema.Union([
    Schema.TaggedStruct("NotFound", { digest: Schema.String }),
    Schema.TaggedStruct("InvalidDigest", { text: Schema.String }),
    Schema.TaggedStruct("Mismatch", { expected: Schema.String, actual: Schema.String }),
    Schema.TaggedStruct("TooLarge", { digest: Schema.String, limit: Schema.Finite }),
    Schema.TaggedStruct("Io", { operation: Schema.String, path: Schema.String, problem: Schema.String })
  ])
}) {
  override get message(): string {
    const reason = this.reason
    switch (reason._tag) {
      case "NotFound":
        return `object ${reason.digest} is missing; fetch it, or rebuild the store from the file layer`
      case "InvalidDigest":
        return `object name: expected 64 or 128 lower-case hex digits, got ${JSON.stringify(reason.text.slice(0, 140))}`
      case "Mismatch":
        return `object content: expected fs-verity digest ${reason.expected}, got ${reason.actual}`
      case "TooLarge":
        return `object ${reason.digest} has more than ${reason.limit} bytes`
      case "Io":
        return `cannot ${reason.operation} ${reason.path}: ${reason.problem}`
    }
  }
}

/**
 * Reads contents by fs-verity digest. A stream fails at its end if the bytes do not have that digest.
 *
 * @category models
 * @since 0.1.0
 */
export interface ContentSource {
  readonly open: (digest: string) => Stream.Stream<Uint8Array, ContentError>
}

/**
 * What was stored.
 *
 * @category models
 * @since 0.1.0
 */
export interface StoredContent {
  readonly digest: string
  /** Bytes. */
  readonly size: number
}

/**
 * Takes contents and tells their digests. A content with another digest than `expected` leaves no trace.
 *
 * @category models
 * @since 0.1.0
 */
export interface ContentSink {
  readonly put: <E, R>(
    content: Stream.Stream<Uint8Array, E, R>,
    options?: { readonly expected?: string | undefined }
  ) => Effect.Effect<StoredContent, ContentError | E, R>
}

/**
 * Contents held in memory: for small trees and for tests.
 *
 * @category models
 * @since 0.1.0
 */
export interface MemoryContent extends ContentSource, ContentSink {
  readonly objects: ReadonlyMap<string, Uint8Array>
}

/**
 * Makes an empty store in memory.
 *
 * @category constructors
 * @since 0.1.0
 */
export const memory = (using: FsVerity.Parameters = FsVerity.sha256): Effect.Effect<MemoryContent> =>
  Effect.sync(() => {
    const objects = new Map<string, Uint8Array>()
    return {
      objects,
      open: (digest) => {
        const content = objects.get(digest)
        return content === undefined ? Stream.fail(notFound(digest)) : Stream.make(content)
      },
      put: (content, options) =>
        Effect.flatMap(Stream.runCollect(content), (chunks) => {
          const bytes = Buffer.concat(Array.from(chunks))
          const digest = FsVerity.digest(bytes, using)
          if (options?.expected !== undefined && options.expected !== digest) {
            return Effect.fail(mismatch(options.expected, digest))
          }
          objects.set(digest, bytes)
          return Effect.succeed({ digest, size: bytes.length })
        })
    }
  })

/**
 * Reads from `first`, and from `second` what `first` does not have.
 *
 * @category combinators
 * @since 0.1.0
 */
export const orElse = (first: ContentSource, second: ContentSource): ContentSource => ({
  open: (digest) =>
    Stream.catch(
      first.open(digest),
      (error) => error.reason._tag === "NotFound" ? second.open(digest) : Stream.fail(error)
    )
})

/**
 * Confirms the digest of a content while it passes.
 *
 * @category combinators
 * @since 0.1.0
 */
export const verifying = <E, R>(
  content: Stream.Stream<Uint8Array, E, R>,
  expected: string
): Stream.Stream<Uint8Array, E | ContentError, R> =>
  Stream.suspend(() => {
    const hasher = FsVerity.hasher(expected.length === 128 ? FsVerity.sha512 : FsVerity.sha256)
    const passing = Stream.tap(content, (chunk) => Effect.sync(() => hasher.update(chunk)))
    const confirmed = Effect.suspend(() => {
      const actual = hasher.digest()
      return actual === expected ? Effect.void : Effect.fail(mismatch(expected, actual))
    })
    return Stream.concat(passing, Stream.drain(Stream.fromEffect(confirmed)))
  })

const notFound = (digest: string): ContentError => new ContentError({ reason: { _tag: "NotFound", digest } })

const mismatch = (expected: string, actual: string): ContentError =>
  new ContentError({ reason: { _tag: "Mismatch", expected, actual } })
