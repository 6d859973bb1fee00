/** Turns a table of entries into a tree of nodes. What entries share, nodes share too. */
import { constants } from "node:buffer"
import * as Node from "../../Node.ts"
import * as ByteString from "../byteString.ts"
import { metacopyHeaderSize } from "../erofs/redirect.ts"
import { fileType } from "../fileType.ts"
import { type EntryTable, rootEntry } from "./entryTable.ts"

export const toTree = (table: EntryTable): { readonly root: Node.Directory } => new TreeMaker(table).run()

class TreeMaker {
  readonly #table: EntryTable
  /** All texts at once, if that is a string: cutting pieces out of it is cheaper than making each from bytes. */
  readonly #text: ByteString.ByteString | undefined
  readonly #bytes: Buffer
  readonly #directories = new Map<number, Map<string, Node.Node>>()
  readonly #xattrs: Array<ReadonlyMap<string, Uint8Array>> = []
  #time = Node.epoch
  #timeEntry = -1

  constructor(table: EntryTable) {
    this.#table = table
    this.#bytes = Buffer.from(table.arena.bytes.buffer, 0, table.arena.size)
    this.#text = this.#bytes.length > constants.MAX_STRING_LENGTH ? undefined : ByteString.fromBytes(this.#bytes)
  }

  run(): { readonly root: Node.Directory } {
    const { count, names } = this.#table
    const entries = new Map<string, Node.Node>()
    this.#directories.set(rootEntry, entries)
    const root = this.#directory(rootEntry, entries)
    for (let entry = rootEntry + 1; entry < count; entry++) {
      const name = this.#slice(names.from[entry] ?? 0, names.to[entry] ?? 0)
      this.#directories.get(names.owner[entry] ?? 0)?.set(name, this.#node(entry))
    }
    return { root }
  }

  #node(entry: number): Node.Node {
    if (this.#table.isLink(entry)) return Node.hardLink(this.#data(entry))
    const nlink = this.#table.nlink[entry] ?? 0
    const size = this.#table.size[entry] ?? 0
    const rdev = this.#table.rdev[entry] ?? 0
    switch (this.#table.typeOf(entry)) {
      case fileType.directory: {
        const entries = new Map<string, Node.Node>()
        this.#directories.set(entry, entries)
        return this.#directory(entry, entries)
      }
      case fileType.symlink:
        return { _tag: "Symlink", ...this.#metadata(entry), nlink, target: this.#data(entry) }
      case fileType.fifo:
        return { _tag: "Fifo", ...this.#metadata(entry), nlink, size }
      case fileType.socket:
        return { _tag: "Socket", ...this.#metadata(entry), nlink, size }
      case fileType.characterDevice:
        return { _tag: "CharacterDevice", ...this.#metadata(entry), nlink, rdev, size }
      case fileType.blockDevice:
        return { _tag: "BlockDevice", ...this.#metadata(entry), nlink, rdev, size }
      default:
        return this.#table.isExternal(entry) ? this.#externalFile(entry) : this.#inlineFile(entry)
    }
  }

  #directory(entry: number, entries: ReadonlyMap<string, Node.Node>): Node.Directory {
    return { _tag: "Directory", ...this.#metadata(entry), entries }
  }

  #inlineFile(entry: number): Node.InlineFile {
    const { arena, dataFrom, dataTo, nlink } = this.#table
    const content = arena.bytes.slice(dataFrom[entry], dataTo[entry])
    return { _tag: "InlineFile", ...this.#metadata(entry), nlink: nlink[entry] ?? 0, content }
  }

  #externalFile(entry: number): Node.ExternalFile {
    const { attributes: { values }, metacopy, nlink, redirect, size } = this.#table
    const digest = metacopy[entry] ?? 0
    const digestFrom = (values.from[digest] ?? 0) + metacopyHeaderSize
    const digestTo = values.to[digest] ?? 0
    const place = redirect[entry] ?? 0
    return {
      _tag: "ExternalFile",
      ...this.#metadata(entry),
      nlink: nlink[entry] ?? 0,
      size: size[entry] ?? 0,
      digest: digestTo > digestFrom ? this.#bytes.toString("hex", digestFrom, digestTo) : undefined,
      // Without the slash in front.
      payload: place === 0 ? undefined : this.#slice((values.from[place] ?? 0) + 1, values.to[place] ?? 0)
    }
  }

  #metadata(entry: number): Node.Metadata {
    const { gid, mode, uid, xattrs } = this.#table
    return {
      mode: (mode[entry] ?? 0) & 0o7777,
      uid: uid[entry] ?? 0,
      gid: gid[entry] ?? 0,
      mtime: this.#timeOf(entry),
      xattrs: this.#attributes(xattrs[entry] ?? 0)
    }
  }

  #timeOf(entry: number): Node.Timestamp {
    if (this.#timeEntry < 0 || this.#table.compareTimes(entry, this.#timeEntry) !== 0) {
      this.#time = this.#table.timeOf(entry)
      this.#timeEntry = entry
    }
    return this.#time
  }

  #attributes(set: number): ReadonlyMap<string, Uint8Array> {
    return this.#xattrs[set] ??= this.#attributeMap(set)
  }

  #attributeMap(set: number): ReadonlyMap<string, Uint8Array> {
    const { attributes } = this.#table
    const map = new Map<string, Uint8Array>()
    for (const attribute of attributes.sets[set] ?? []) {
      map.set(ByteString.toText(attributes.nameOf(attribute)), attributes.value(attribute).slice())
    }
    return map
  }

  #data(entry: number): string {
    return this.#slice(this.#table.dataFrom[entry] ?? 0, this.#table.dataTo[entry] ?? 0)
  }

  #slice(from: number, to: number): string {
    return ByteString.toText(this.#text?.slice(from, to) ?? this.#bytes.toString("latin1", from, to))
  }
}
