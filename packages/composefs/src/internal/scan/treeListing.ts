/** Collects a scan as nodes, and makes a tree of them. */
import * as Node from "../../Node.ts"
import * as ByteString from "../byteString.ts"
import { fileType, typeMask } from "../fileType.ts"
import { join } from "../paths.ts"
import { type BatchResult, digestText, outcome } from "./batch.ts"
import { MetadataRules } from "./metadata.ts"
import type { DirectoryOptions } from "./options.ts"
import type { InodeSink, Readings } from "./readings.ts"
import { type DirectoryStats, numberAt, type Stats } from "./stats.ts"
import type { FoundDirectory, Listing } from "./walk.ts"

/** A directory and what was found in it. */
export interface ListedDirectory {
  readonly found: FoundDirectory
  readonly names: Array<string>
  /** What each name stands for: a directory, or the slot of an entry. */
  readonly contents: Array<ListedDirectory | number>
}

/** Attributes by path inside the tree. */
export type XattrsByPath = ReadonlyMap<string, ReadonlyMap<string, Uint8Array>>

type Leaf = Exclude<Node.Inode, Node.Directory>

export class TreeListing implements Listing<ListedDirectory>, InodeSink {
  readonly #rules: MetadataRules
  /** By slot. */
  readonly #leaves: Array<Leaf | undefined> = []
  #top: ListedDirectory | undefined

  constructor(options: Pick<DirectoryOptions, "owner" | "mtime">) {
    this.#rules = new MetadataRules(options)
  }

  /** The root. */
  get top(): ListedDirectory {
    if (this.#top === undefined) throw new RangeError("nothing was listed")
    return this.#top
  }

  root(found: FoundDirectory): ListedDirectory {
    this.#top = { found, names: [], contents: [] }
    return this.#top
  }

  directory(parent: ListedDirectory, name: ByteString.ByteString, found: FoundDirectory): ListedDirectory {
    const directory = { found, names: [], contents: [] }
    this.#add(parent, name, directory)
    return directory
  }

  entry(parent: ListedDirectory, name: ByteString.ByteString, slot: number): void {
    this.#add(parent, name, slot)
  }

  put(slot: number, result: BatchResult, entry: number): void {
    this.#leaves[slot] = this.#leafOf(result, entry)
  }

  share(slot: number, from: number): void {
    this.#leaves[slot] = this.#leaves[from]
  }

  leaf(slot: number): Leaf {
    const leaf = this.#leaves[slot]
    if (leaf === undefined) throw new RangeError(`slot ${slot} was not read`)
    return leaf
  }

  /** The digest of every file that was hashed, with the slot. */
  *digests(): Generator<readonly [digest: string, slot: number]> {
    for (let slot = 0; slot < this.#leaves.length; slot++) {
      const leaf = this.#leaves[slot]
      if (leaf?._tag === "ExternalFile" && leaf.digest !== undefined) yield [leaf.digest, slot]
    }
  }

  /** Attributes are not the scan's to know. */
  directoryNode({ stats }: FoundDirectory, entries: ReadonlyMap<string, Node.Node>): Node.Directory {
    return Node.directory(entries, this.#metadata(stats))
  }

  #add(parent: ListedDirectory, name: ByteString.ByteString, content: ListedDirectory | number): void {
    parent.names.push(ByteString.toText(name))
    parent.contents.push(content)
  }

  #leafOf(result: BatchResult, entry: number): Leaf {
    const { contents, outcomes, stats } = result
    const metadata = this.#metadata({
      mode: numberAt(stats, entry, "mode"),
      uid: numberAt(stats, entry, "uid"),
      gid: numberAt(stats, entry, "gid"),
      mtimeSeconds: numberAt(stats, entry, "mtimeSeconds"),
      mtimeNanoseconds: numberAt(stats, entry, "mtimeNanoseconds")
    })
    const content = contents.get(entry)
    switch (numberAt(stats, entry, "mode") & typeMask) {
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
    }
    if (outcomes[entry] !== outcome.hashed) {
      return Node.inlineFile(content instanceof Uint8Array ? content : new Uint8Array(0), metadata)
    }
    return Node.externalFile({ size: numberAt(stats, entry, "size"), digest: digestText(result, entry) }, metadata)
  }

  #metadata(stats: Omit<DirectoryStats, "ctimeNs" | "dev" | "ino">): Node.Metadata {
    return {
      mode: stats.mode & 0o7777,
      uid: this.#rules.uid(stats.uid),
      gid: this.#rules.gid(stats.gid),
      mtime: this.#rules.mtime(stats.mtimeSeconds, stats.mtimeNanoseconds),
      xattrs: noXattrs
    }
  }
}

const noXattrs: ReadonlyMap<string, Uint8Array> = new Map()

/** In the kernel's 32-bit encoding. */
export const deviceNumber = (stats: Stats, entry: number): number => numberAt(stats, entry, "rdev") % 2 ** 32

/** The first name of an inode that has several. */
interface FirstLink {
  readonly path: string
  readonly name: string
  readonly siblings: Map<string, Node.Node>
  count: number
}

/** Puts the nodes of a listing together, once all is read. */
export class Assembly {
  readonly #listing: TreeListing
  readonly #readings: Readings
  readonly #keepsLinks: boolean
  readonly #xattrs: XattrsByPath | undefined
  readonly #links = new Map<string, FirstLink>()

  constructor(listing: TreeListing, readings: Readings, keepsLinks: boolean, xattrs: XattrsByPath | undefined) {
    this.#listing = listing
    this.#readings = readings
    this.#keepsLinks = keepsLinks
    this.#xattrs = xattrs
  }

  assemble(root: ListedDirectory): Node.Directory {
    const directory = this.#directory(root)
    this.#countLinks()
    return directory
  }

  #directory({ contents, found, names }: ListedDirectory): Node.Directory {
    const nodes = new Map<string, Node.Node>()
    names.forEach((name, at) => {
      const content = contents[at]
      if (typeof content === "number") {
        nodes.set(name, this.#link(content, found.path, name, nodes) ?? this.#leaf(content, found.path, name))
      } else if (content !== undefined) {
        const directory = this.#directory(content)
        if (content.found.isSelected || directory.entries.size > 0) nodes.set(name, directory)
      }
    })
    return this.#withXattrs(this.#listing.directoryNode(found, nodes), found.path)
  }

  #leaf(slot: number, parent: string, name: string): Node.Inode {
    const leaf = this.#listing.leaf(slot)
    return this.#xattrs === undefined ? leaf : this.#withXattrs(leaf, join(parent, name))
  }

  #link(slot: number, parent: string, name: string, siblings: Map<string, Node.Node>): Node.HardLink | undefined {
    const inode = this.#keepsLinks ? this.#readings.inode(slot) : undefined
    if (inode === undefined) return undefined
    const first = this.#links.get(inode)
    if (first === undefined) {
      this.#links.set(inode, { path: join(parent, name), name, siblings, count: 1 })
      return undefined
    }
    first.count++
    return Node.hardLink(first.path)
  }

  #withXattrs<N extends Node.Inode>(node: N, path: string): N {
    const xattrs = this.#xattrs?.get(path)
    return xattrs === undefined ? node : { ...node, xattrs }
  }

  /** Gives every inode with several names in the tree its number of links. */
  #countLinks(): void {
    for (const { count, name, siblings } of this.#links.values()) {
      const node = siblings.get(name)
      if (count > 1 && node !== undefined && "nlink" in node) siblings.set(name, { ...node, nlink: count })
    }
  }
}
