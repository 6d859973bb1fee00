/** Names in the directory of a store, and who needs them. */
import type * as Node from "../../Node.ts"

/** A digest in hex, of SHA-256 or SHA-512. */
export const isDigest = (text: string): boolean => /^(?:[0-9a-f]{64}){1,2}$/.test(text)

/** The first byte of a digest, a directory of the store. */
export const isPrefix = (name: string): boolean => /^[0-9a-f]{2}$/.test(name)

/** A directory of half-written objects; a process has one for each store it has open. */
export const temporaryPrefix = ".tmp-"

/** A directory of objects that a garbage collector is about to remove. */
export const trashPrefix = ".gc-"

/** The objects a file needs: overlay opens its payload, and compares that with its digest. */
export const objectsOf = ({ digest, payload }: Node.ExternalFile): ReadonlyArray<string> => {
  const named = payload === undefined || payload[2] !== "/" ? undefined : payload.slice(0, 2) + payload.slice(3)
  return named === undefined || named === digest || !isDigest(named)
    ? digest === undefined ? [] : [digest]
    : digest === undefined
    ? [named]
    : [digest, named]
}
