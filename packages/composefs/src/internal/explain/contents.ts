/** What the search needs of contents: their other digest, and the small ones themselves. */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { ContentSource } from "../../Content.ts"
import * as FsVerity from "../../FsVerity.ts"
import * as Tree from "../../Tree.ts"

export interface KnownContents {
  /** SHA-512 digests by SHA-256 digest and the reverse. */
  readonly otherDigests: ReadonlyMap<string, string>
  /** Contents that may be inline, by either digest. */
  readonly small: ReadonlyMap<string, Uint8Array>
  /** Why the source did not give contents, by digest. */
  readonly missing: ReadonlyMap<string, string>
}

export const noContents: KnownContents = { otherDigests: new Map(), small: new Map(), missing: new Map() }

/** The largest size that a choice puts inline. */
const maxSmallSize = 512

/** Reads every content once. */
export const readContents = Effect.fnUntraced(function*(tree: Tree.Tree, source: ContentSource) {
  const otherDigests = new Map<string, string>()
  const small = new Map<string, Uint8Array>()
  const missing = new Map<string, string>()
  for (const { node } of Tree.externalFiles(tree)) {
    const { digest, size } = node
    if (digest === undefined || otherDigests.has(digest) || missing.has(digest)) continue
    const hasher = FsVerity.hasher(digest.length === 128 ? FsVerity.sha256 : FsVerity.sha512)
    const chunks: Array<Uint8Array> = []
    let actual = 0
    const read = Stream.runForEach(source.open(digest), (chunk) =>
      Effect.sync(() => {
        hasher.update(chunk)
        actual += chunk.length
        // The tree may not be right about the size.
        if (actual <= maxSmallSize) chunks.push(Uint8Array.from(chunk))
      }))
    const problem = yield* Effect.match(read, {
      onFailure: ({ message }) => message,
      onSuccess: () => actual === size ? undefined : `content of ${digest}: expected ${size} bytes, got ${actual}`
    })
    if (problem !== undefined) {
      missing.set(digest, problem)
      continue
    }
    const other = hasher.digest()
    otherDigests.set(digest, other)
    if (size > maxSmallSize) continue
    const content = Buffer.concat(chunks)
    small.set(digest, content)
    small.set(other, content)
  }
  const known: KnownContents = { otherDigests, small, missing }
  return known
})
