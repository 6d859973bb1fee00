/** What the layers of an image may cost, all together; whoever exceeds it is told which option allows for more. */

/** The largest sizes in bytes, and the most entries. */
export interface Limits {
  readonly maxArchiveSize: number
  readonly maxEntries: number
  readonly maxMetadataSize: number
}

export class Budget {
  readonly limits: Limits
  /** How many entries there were so far. */
  entries = 0
  #archiveSize = 0
  #metadataSize = 0

  constructor(limits: Limits) {
    this.limits = limits
  }

  /** Accounts for bytes of an archive; tells when they are too many. So do the others. */
  addArchive(size: number): string | undefined {
    const { maxArchiveSize } = this.limits
    this.#archiveSize += size
    return this.#archiveSize > maxArchiveSize
      ? `the archives have more than ${maxArchiveSize} bytes together; maxArchiveSize can allow for more`
      : undefined
  }

  addEntry(): string | undefined {
    const { maxEntries } = this.limits
    return ++this.entries > maxEntries
      ? `the layers have more than ${maxEntries} entries together; maxEntries can allow for more`
      : undefined
  }

  /** Of PAX headers and long names. */
  addMetadata(size: number): string | undefined {
    const { maxMetadataSize } = this.limits
    this.#metadataSize += size
    return this.#metadataSize > maxMetadataSize
      ? `PAX headers and long names have more than ${maxMetadataSize} bytes together; maxMetadataSize can allow for more`
      : undefined
  }
}
