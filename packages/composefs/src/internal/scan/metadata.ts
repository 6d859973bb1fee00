/** Owners and times as the options want them. */
import * as Node from "../../Node.ts"
import type { DirectoryOptions } from "./options.ts"

export class MetadataRules {
  readonly #options: Pick<DirectoryOptions, "owner" | "mtime">
  #last = { number: 0, integer: 0n }

  constructor(options: Pick<DirectoryOptions, "owner" | "mtime">) {
    this.#options = options
  }

  uid(found: number): number {
    return this.#options.owner?.uid ?? found
  }

  gid(found: number): number {
    return this.#options.owner?.gid ?? found
  }

  mtime(seconds: number, nanoseconds: number): Node.Timestamp {
    const rule = this.#options.mtime
    if (rule !== undefined && "exactly" in rule) return rule.exactly
    const found = { seconds: this.#integer(seconds), nanoseconds }
    return rule !== undefined && Node.compareTimestamps(found, rule.atMost) > 0 ? rule.atMost : found
  }

  /** Most files have the second of the one before. */
  #integer(number: number): bigint {
    if (number !== this.#last.number) this.#last = { number, integer: BigInt(number) }
    return this.#last.integer
  }
}
