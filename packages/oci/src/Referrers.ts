/**
 * Referrers: manifests that name another one as their `subject`, such as signatures, SBOMs and attestations.
 *
 * Registries without the referrers API keep them in an index behind a tag that is derived from the subject's digest
 * (distribution-spec, "Referrers Tag Schema"). Here are the pure parts; `HttpRegistry` and `LayoutRegistry` use them.
 *
 * @since 0.1.0
 */
import type { Descriptor } from "./Descriptor.ts"
import type { Digest } from "./Digest.ts"
import * as Manifest from "./Manifest.ts"

const maximumAlgorithm = 32
const maximumEncoded = 64

/**
 * The tag of the index of a subject's referrers: algorithm and encoded part, each truncated.
 *
 * @example
 * ```ts
 * import { Digest, Referrers } from "@lamina/oci"
 *
 * const digest = Digest.ofBytes(new TextEncoder().encode("{}"))
 * console.log(Referrers.fallbackTag(digest)) // => sha256-44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a
 * ```
 *
 * @category getters
 * @since 0.1.0
 */
export const fallbackTag = (subject: Digest): string => {
  const colon = subject.indexOf(":")
  const algorithm = subject.slice(0, Math.min(colon, maximumAlgorithm))
  return `${algorithm}-${subject.slice(colon + 1, colon + 1 + maximumEncoded)}`
}

/**
 * The descriptor under which a manifest appears among the referrers of its subject: with its artifact type and all of
 * its annotations.
 *
 * @category constructors
 * @since 0.1.0
 */
export const describe = (manifest: Manifest.Manifest, descriptor: Descriptor): Descriptor => {
  const artifactType = Manifest.artifactType(manifest)
  const annotations = manifest.document.annotations
  return {
    mediaType: descriptor.mediaType,
    digest: descriptor.digest,
    size: descriptor.size,
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(annotations === undefined ? {} : { annotations })
  }
}

/**
 * Puts lists of referrers together; of two entries with one digest the later one stays, at the place of the earlier.
 *
 * @category combinators
 * @since 0.1.0
 */
export const merge = (...lists: ReadonlyArray<ReadonlyArray<Descriptor>>): ReadonlyArray<Descriptor> => [
  ...new Map(lists.flat().map((descriptor) => [descriptor.digest, descriptor])).values()
]

/**
 * A list of referrers without those that have one of the digests.
 *
 * @category combinators
 * @since 0.1.0
 */
export const without = (
  list: ReadonlyArray<Descriptor>,
  removed: ReadonlySet<Digest>
): ReadonlyArray<Descriptor> => list.filter((descriptor) => !removed.has(descriptor.digest))

/**
 * The referrers of one artifact type; all of them when it is `undefined`.
 *
 * @category filtering
 * @since 0.1.0
 */
export const ofType = (
  list: ReadonlyArray<Descriptor>,
  artifactType: string | undefined
): ReadonlyArray<Descriptor> =>
  artifactType === undefined ? list : list.filter((descriptor) => descriptor.artifactType === artifactType)
