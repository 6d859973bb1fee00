/** Makes inodes of a tree of what was read. */
import * as Node from "../../Node.ts"
import * as ByteString from "../byteString.ts"
import { fileType, typeMask } from "../fileType.ts"
import { type Content, readStat, type StatField } from "./batch.ts"
import type { DirectoryOptions } from "./options.ts"

/** What of the options decides about metadata. */
export type MetadataRules = Pick<DirectoryOptions, "owner" | "mtime">

const billion = 1_000_000_000n

export class InodeMaker {
  readonly #rules: MetadataRules
  #lastSecond = { seconds: 0n, start: 0n, end: billion }

  constructor(rules: MetadataRules) {
    this.#rules = rules
  }

  /** The inode of an entry whose fields are in columns, see `readStat`. */
  make(stats: BigInt64Array, entry: number, content: Content): Exclude<Node.Inode, Node.Directory> {
    const metadata = this.metadata({
      mode: readStat(stats, entry, "mode"),
      uid: readStat(stats, entry, "uid"),
      gid: readStat(stats, entry, "gid"),
      mtimeNs: readStat(stats, entry, "mtimeNs")
    })
    switch (Number(readStat(stats, entry, "mode")) & typeMask) {
      case fileType.symlink:
        return Node.symlink(typeof content === "string" ? ByteString.toText(content) : "", metadata)
      case fileType.fifo:
        return Node.fifo(metadata)
      case fileType.socket:
        return Node.socket(metadata)
      case fileType.characterDevice:
        return Node.characterDevice(deviceNumber(stats, entry), metadata)
      case fileType.blockDevice:
        return Node.blockDevice(deviceNumber(stats, entry), metadata)
      default:
        return typeof content === "string"
          ? Node.externalFile({ size: Number(readStat(stats, entry, "size")), digest: content }, metadata)
          : Node.inlineFile(content instanceof Uint8Array ? content : new Uint8Array(0), metadata)
    }
  }

  /** Attributes come later, from elsewhere. */
  metadata(stats: Readonly<Record<Extract<StatField, "mode" | "uid" | "gid" | "mtimeNs">, bigint>>): Node.Metadata {
    const { owner } = this.#rules
    return {
      mode: Number(stats.mode) & 0o7777,
      uid: owner?.uid ?? Number(stats.uid),
      gid: owner?.gid ?? Number(stats.gid),
      mtime: this.#mtime(stats.mtimeNs),
      xattrs: noXattrs
    }
  }

  #mtime(nanoseconds: bigint): Node.Timestamp {
    const rule = this.#rules.mtime
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

const deviceNumber = (stats: BigInt64Array, entry: number): number =>
  Number(BigInt.asUintN(32, readStat(stats, entry, "rdev")))

const noXattrs: ReadonlyMap<string, Uint8Array> = new Map()
