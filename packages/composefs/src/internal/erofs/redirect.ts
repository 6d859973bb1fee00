/**
 * Where overlayfs finds the content of a file that is not in the image: struct ovl_metacopy with the digest, and the
 * place in the object store. Reference §3.2.
 */
import type { EntryTable } from "../table/entryTable.ts"
import { metacopyName, redirectName } from "./overlay.ts"

/** Version 0, size, flags 0, digest algorithm. */
export const metacopyHeaderSize = 4
const sha512Size = 64

export class Redirects {
  /** Room for a digest; {@link setDigest} takes it from there. */
  readonly digest: Uint8Array
  readonly #table: EntryTable
  readonly #metacopyName: number
  readonly #redirectName: number
  readonly #withoutDigest: number
  readonly #metacopy = new Uint8Array(metacopyHeaderSize + sha512Size)

  constructor(table: EntryTable) {
    this.#table = table
    this.digest = this.#metacopy.subarray(metacopyHeaderSize)
    this.#metacopyName = table.attributes.name(metacopyName)
    this.#redirectName = table.attributes.name(redirectName)
    this.#withoutDigest = table.attributes.attributeOf(this.#metacopyName, new Uint8Array(0))
  }

  /** Makes an entry an external file without a digest. */
  setExternal(entry: number): void {
    this.#table.metacopy[entry] = this.#withoutDigest
  }

  /** Gives a file the digest of so many bytes: 32 for sha256, 64 for sha512. */
  setDigest(entry: number, size: number): void {
    const { attributes, metacopy } = this.#table
    this.#metacopy[1] = metacopyHeaderSize + size
    this.#metacopy[3] = size === sha512Size ? 2 : 1
    metacopy[entry] = attributes.values.internBytes(this.#metacopyName, this.#metacopy, 0, metacopyHeaderSize + size)
  }

  /**
   * Gives a file the digest of so many bytes and, with a slash in front, the place that follows from it. All files of a
   * table must get theirs here: then places need not be compared to know which are the same.
   */
  setDigestAndPlace(entry: number, size: number, place: Uint8Array, placeSize: number): void {
    const { values } = this.#table.attributes
    const { count } = values
    this.setDigest(entry, size)
    const metacopy = this.#table.metacopy[entry] ?? 0
    if (metacopy === count) values.appendUnsought(this.#redirectName, place, 0, placeSize)
    this.#table.redirect[entry] = metacopy + 1
  }

  /** Gives a file its place in the object store, with a slash in front. */
  setPlace(entry: number, from: number, to: number): void {
    this.#table.redirect[entry] = this.#table.attributes.attribute(this.#redirectName, from, to)
  }

  setPlaceBytes(entry: number, bytes: Uint8Array, size: number): void {
    this.#table.redirect[entry] = this.#table.attributes.values.internBytes(this.#redirectName, bytes, 0, size)
  }
}
