/** Reads a directory into a tree. */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { ContentError, type ContentSink, type ContentSource, verifying } from "../../Content.ts"
import { streamFile } from "../files.ts"
import { join } from "../paths.ts"
import type { DirectoryOptions } from "./options.ts"
import { readDirectory } from "./readDirectory.ts"
import type { Readings } from "./readings.ts"
import { Assembly, type ListedDirectory, TreeListing } from "./treeListing.ts"

export const scanDirectory = Effect.fnUntraced(function*<E, R>(directory: string, options: DirectoryOptions<E, R>) {
  const listing = new TreeListing(options)
  const { isStored, readings, walk } = yield* readDirectory(directory, options, listing)
  const listed = listing.top
  const xattrs = options.xattrs === undefined ? undefined : yield* askForXattrs(listed, readings, options.xattrs)
  const root = new Assembly(listing, readings, options.hardLinks !== "separate", xattrs).assemble(listed)
  yield* Effect.fromResult(walk.confirm())

  const contents = contentsOf(listing, readings)
  if (options.objects !== undefined && !isStored) yield* storeAgain(listing, contents, options.objects)
  return { tree: { root }, contents }
})

const contentsOf = (listing: TreeListing, readings: Readings): ContentSource => {
  let slots: ReadonlyMap<string, number> | undefined
  return {
    open: (digest) =>
      Stream.suspend(() => {
        slots ??= new Map(listing.digests())
        const slot = slots.get(digest)
        if (slot === undefined) return Stream.fail(new ContentError({ reason: { _tag: "NotFound", digest } }))
        const source = readings.pathOf(slot)
        const content = Stream.mapError(
          streamFile(source),
          ({ problem }) =>
            new ContentError({ reason: { _tag: "Io", operation: "read", path: source.toString(), problem } })
        )
        return verifying(content, digest)
      })
  }
}

/** Gives a sink that takes streams the contents which were only hashed so far; each is confirmed on its way. */
const storeAgain = (
  listing: TreeListing,
  contents: ContentSource,
  objects: ContentSink
): Effect.Effect<void, ContentError> =>
  Effect.forEach(
    new Set(Array.from(listing.digests(), ([digest]) => digest)),
    (expected) => objects.put(contents.open(expected), { expected }),
    { discard: true }
  )

const askForXattrs = Effect.fnUntraced(function*<E, R>(
  root: ListedDirectory,
  readings: Readings,
  provider: Exclude<DirectoryOptions<E, R>["xattrs"], undefined>
) {
  const xattrs = new Map<string, ReadonlyMap<string, Uint8Array>>()
  const pending = [root]
  for (const directory of pending) {
    const { contents, found, names } = directory
    xattrs.set(found.path, yield* provider({ path: found.path, source: found.source }))
    for (const [at, content] of contents.entries()) {
      if (typeof content === "number") {
        const path = join(found.path, names[at] ?? "")
        xattrs.set(path, yield* provider({ path, source: readings.pathOf(content) }))
        yield* Effect.fromResult(readings.confirm(content))
      } else pending.push(content)
    }
  }
  return xattrs
})
