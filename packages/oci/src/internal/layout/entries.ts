/** The entries of a layout's `index.json`: which manifests there are, and which tags point to them. Pure. */
import type { Descriptor } from "../../Descriptor.ts"
import type { Digest } from "../../Digest.ts"
import * as Reference from "../../Reference.ts"

/** A list of manifests; one with several tags has several entries, one without a tag has one. */
export type Entries = ReadonlyArray<Descriptor>

const refName = "org.opencontainers.image.ref.name"

/** The tag of an entry. Some tools write the whole reference there; then its tag counts. */
export const tagOf = (entry: Descriptor): string | undefined => {
  const name = entry.annotations?.[refName]
  if (name === undefined) return undefined
  const suffix = name.slice(name.lastIndexOf(":") + 1)
  return Reference.isTag(suffix) ? suffix : undefined
}

/** All tags. */
export const tags = (entries: Entries): ReadonlyArray<string> =>
  entries.map(tagOf).filter((tag): tag is string => tag !== undefined)

/** The entry of a tag. */
export const findTag = (entries: Entries, tag: string): Descriptor | undefined =>
  entries.find((entry) => tagOf(entry) === tag)

/** The entry of a digest, whatever its tag. */
export const findDigest = (entries: Entries, digest: Digest): Descriptor | undefined =>
  entries.find((entry) => entry.digest === digest)

/** An entry without its name. */
export const untagged = ({ digest, mediaType, size }: Descriptor): Descriptor => ({ mediaType, digest, size })

const tagged = (descriptor: Descriptor, tag: string): Descriptor => ({
  ...untagged(descriptor),
  annotations: { [refName]: tag }
})

/** Adds a manifest and points tags to it; a manifest that loses its last tag stays without one. */
export const add = (entries: Entries, descriptor: Descriptor, newTags: ReadonlyArray<string>): Entries => {
  const rest = newTags.reduce(removeTag, entries)
  const added = [...new Set(newTags)].map((tag) => tagged(descriptor, tag))
  if (added.length === 0) {
    return findDigest(rest, descriptor.digest) === undefined ? [...rest, untagged(descriptor)] : rest
  }
  return [
    ...rest.filter((entry) => entry.digest !== descriptor.digest || entry.annotations !== undefined),
    ...added
  ]
}

/** Removes a tag; its manifest stays. */
export const removeTag = (entries: Entries, tag: string): Entries => {
  const removed = findTag(entries, tag)
  if (removed === undefined) return entries
  const rest = entries.filter((entry) => tagOf(entry) !== tag)
  return findDigest(rest, removed.digest) === undefined ? [...rest, untagged(removed)] : rest
}

/** Removes a manifest with all of its tags. */
export const removeDigest = (entries: Entries, digest: Digest): Entries =>
  entries.filter((entry) => entry.digest !== digest)
