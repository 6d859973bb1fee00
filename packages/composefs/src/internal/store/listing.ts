/** What is in the directory of a store. */
import * as Effect from "effect/Effect"
import type { Dirent } from "node:fs"
import { readdir } from "node:fs/promises"
import { join } from "node:path"
import type { ContentError } from "../../Content.ts"
import { attempt } from "../files.ts"
import { isDigest, isPrefix, temporaryPrefix, trashPrefix } from "./names.ts"
import { toError } from "./problems.ts"

export interface Listing {
  /** The digests of all objects, in order. */
  readonly digests: ReadonlyArray<string>
  /** Directories of half-written objects, of writers alive or dead. */
  readonly temporaries: ReadonlyArray<string>
  /** Directories of objects that some garbage collector was about to remove. */
  readonly trash: ReadonlyArray<string>
  /** Paths of everything else. */
  readonly foreign: ReadonlyArray<string>
}

/** Lists a store; paths are relative to it. */
export const listStore = Effect.fnUntraced(function*(directory: string) {
  const top = yield* list(directory)
  const isDirectory = (entry: Dirent, isOne: (name: string) => boolean): boolean =>
    entry.isDirectory() && isOne(entry.name)
  const prefixes = top.filter((entry) => isDirectory(entry, isPrefix))
  const temporaries = top.filter((entry) => isDirectory(entry, (name) => name.startsWith(temporaryPrefix)))
  const trash = top.filter((entry) => isDirectory(entry, (name) => name.startsWith(trashPrefix)))
  const known = new Set([...prefixes, ...temporaries, ...trash])
  const digests: Array<string> = []
  const foreign = top.filter((entry) => !known.has(entry)).map(({ name }) => name)
  for (const { name: prefix } of prefixes) {
    for (const entry of yield* list(join(directory, prefix))) {
      const digest = prefix + entry.name
      if (entry.isFile() && isDigest(digest)) digests.push(digest)
      else foreign.push(join(prefix, entry.name))
    }
  }
  const namesOf = (entries: ReadonlyArray<Dirent>): ReadonlyArray<string> => entries.map(({ name }) => name)
  return { digests, foreign, temporaries: namesOf(temporaries), trash: namesOf(trash) } satisfies Listing
})

/** The digests, among those which are wanted, that are there. */
export const present = Effect.fnUntraced(function*(directory: string, wanted: ReadonlySet<string>) {
  const prefixes = new Set(Array.from(wanted, (digest) => digest.slice(0, 2)))
  const found = yield* Effect.forEach(
    Array.from(prefixes),
    (prefix) =>
      Effect.map(
        list(join(directory, prefix), () => []),
        (entries) => entries.filter((entry) => entry.isFile()).map(({ name }) => prefix + name)
      ),
    { concurrency: 4 }
  )
  return new Set(found.flat().filter((digest) => wanted.has(digest)))
})

const list = (
  directory: string,
  orElse?: () => ReadonlyArray<Dirent>
): Effect.Effect<ReadonlyArray<Dirent>, ContentError> =>
  attempt(() => readdir(directory, { withFileTypes: true })).pipe(
    Effect.map((entries): ReadonlyArray<Dirent> => entries.sort((left, right) => left.name < right.name ? -1 : 1)),
    Effect.catch((failure) =>
      failure.code === "ENOENT" && orElse !== undefined
        ? Effect.succeed(orElse())
        : Effect.fail(toError("list", directory)(failure))
    )
  )
