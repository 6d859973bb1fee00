/** Owners and times as the options want them. */
import * as Node from "../../Node.ts"
import type { DirectoryOptions } from "./options.ts"

const billion = 1_000_000_000n

export class MetadataRules {
  readonly #options: Pick<DirectoryOptions, "owner" | "mtime">
  #lastSecond = { seconds: 0n, start: 0n, end: billion }

  constructor(options: Pick<DirectoryOptions, "owner" | "mtime">) {
    this.#options = options
  }

  uid(found: bigint): number {
    return this.#options.owner?.uid ?? Number(found)
  }

  gid(found: bigint): number {
    return this.#options.owner?.gid ?? Number(found)
  }

  /** The time for a file that was last written so many nanoseconds after the epoch. */
  mtime(nanoseconds: bigint): Node.Timestamp {
    const rule = this.#options.mtime
    if (rule !== undefined && "exactly" in rule) return rule.exactly
    const found = this.#timestamp(nanoseconds)
    return rule !== undefined && Node.compareTimestamps(found, rule.atMost) > 0 ? rule.atMost : found
  }

  /** Files that were unpacked together share a second: dividing large integers for each would cost more than the rest. */
  #timestamp(time: bigint): Node.Timestamp {
    const { end, start } = this.#lastSecond
    if (time < start || time >= end) {
      const fraction = ((time % billion) + billion) % billion
      this.#lastSecond = {
        seconds: (time - fraction) / billion,
        start: time - fraction,
        end: time - fraction + billion
      }
    }
    return { seconds: this.#lastSecond.seconds, nanoseconds: Number(time - this.#lastSecond.start) }
  }
}
