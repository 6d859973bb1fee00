/** Fills a table of entries from a tree of nodes. */
import * as Result from "effect/Result"
import type * as Node from "../../Node.ts"
import * as ByteString from "../byteString.ts"
import { inodeProblem, type Unwritable } from "../erofs/nodeProblem.ts"
import { Redirects } from "../erofs/redirect.ts"
import { modeOf } from "../fileType.ts"
import { maxTargetSize, XattrBudget, xattrBudgetProblem, xattrProblem } from "../limits.ts"
import { join, maxNameSize, nameProblem } from "../paths.ts"
import { EntryTable, rootEntry } from "./entryTable.ts"

const slash = 0x2f

export const fromTree = (tree: { readonly root: Node.Directory }): Result.Result<EntryTable, Unwritable> => {
  const filler = new TableFiller()
  const problem = filler.addTree(tree.root)
  return problem === undefined ? Result.succeed(filler.table) : Result.fail(problem)
}

/** Places in the arena have 32 bits; the largest inode needs less than is left here. */
const maxArenaSize = 2 ** 32 - 2 ** 24
const tooLarge = "the names, contents and attributes of the tree take more than 4 GiB"

/** A directory whose entries are still to be added. */
interface OpenDirectory {
  readonly node: Node.Directory
  readonly entry: number
}

class TableFiller {
  readonly table = new EntryTable({ entries: 1024, bytes: 1 << 16 })
  readonly #redirects = new Redirects(this.table)
  /** Trees share attribute maps between nodes; each is converted once. The empty ones need no memory. */
  readonly #sets = new Map<ReadonlyMap<string, Uint8Array>, number>()
  /** Many links have one target: the first link to each. */
  readonly #links = new Map<string, number>()
  readonly #name = new Uint8Array(maxNameSize)
  /** A slash and a payload, or a target. */
  readonly #data = new Uint8Array(1 + maxTargetSize).fill(slash, 0, 1)
  #time: Node.Timestamp | undefined
  #timeEntry = rootEntry

  addTree(root: Node.Directory): Unwritable | undefined {
    this.table.addRoot()
    const problem = this.#setInode(rootEntry, root)
    if (problem !== undefined) return { path: "/", problem }
    const queue: Array<OpenDirectory> = [{ node: root, entry: rootEntry }]
    for (const { entry, node } of queue) {
      for (const [name, child] of node.entries) {
        const added = this.table.arena.size > maxArenaSize ? tooLarge : this.#add(entry, name, child)
        if (typeof added === "string") return { path: join(this.table.pathText(entry), name), problem: added }
        if (child._tag === "Directory") queue.push({ node: child, entry: added })
      }
    }
    return undefined
  }

  /** The entry of a node, or why it cannot have one. */
  #add(directory: number, name: string, node: Node.Node): number | string {
    const problem = nameProblem(name)
    if (problem !== undefined) return problem
    const entry = this.table.addBytes(directory, this.#name, 0, writeText(name, this.#name, 0))
    // Texts which are not quite Unicode may stand for the same bytes.
    if (entry < 0) return "another name of its directory is the same in bytes"
    return (node._tag === "HardLink" ? this.#setLink(entry, node) : this.#setInode(entry, node)) ?? entry
  }

  #setLink(entry: number, { target }: Node.HardLink): string | undefined {
    const { dataFrom, dataTo } = this.table
    const known = this.#links.get(target)
    if (known === undefined) {
      const bytes = ByteString.toArray(ByteString.fromText(target))
      this.table.setDataBytes(entry, bytes, 0, bytes.length)
      this.#links.set(target, entry)
    } else {
      this.table.setData(entry, dataFrom[known] ?? 0, dataTo[known] ?? 0)
    }
    return target.startsWith("/") ? undefined : `the hard link's target ${target} is missing`
  }

  #setInode(entry: number, node: Node.Inode): string | undefined {
    const problem = inodeProblem(node)
    if (problem !== undefined) return problem
    const set = this.#setOf(node.xattrs)
    if (typeof set === "string") return set
    const { table } = this
    table.mode[entry] = modeOf(node)
    table.uid[entry] = node.uid
    table.gid[entry] = node.gid
    table.xattrs[entry] = set
    this.#setTime(entry, node.mtime)
    if (node._tag !== "Directory") table.nlink[entry] = node.nlink
    this.#setData(entry, node)
    return undefined
  }

  #setData(entry: number, node: Node.Inode): void {
    const { table } = this
    switch (node._tag) {
      case "InlineFile":
        table.size[entry] = node.content.length
        return table.setDataBytes(entry, node.content, 0, node.content.length)
      case "ExternalFile":
        table.size[entry] = node.size
        return this.#setExternal(entry, node)
      case "Symlink": {
        const size = writeText(node.target, this.#data, 1)
        table.size[entry] = size - 1
        return table.setDataBytes(entry, this.#data, 1, size)
      }
      case "CharacterDevice":
      case "BlockDevice":
        table.rdev[entry] = node.rdev
        table.size[entry] = node.size
        return
      case "Fifo":
      case "Socket":
        table.size[entry] = node.size
    }
  }

  #setExternal(entry: number, { digest, payload }: Node.ExternalFile): void {
    this.#redirects.setExternal(entry)
    if (digest !== undefined) {
      const { digest: into } = this.#redirects
      this.#redirects.setDigest(entry, Buffer.from(into.buffer, into.byteOffset, into.length).write(digest, "hex"))
    }
    if (payload !== undefined && payload !== "") {
      this.#redirects.setPlaceBytes(entry, this.#data, writeText(payload, this.#data, 1))
    }
  }

  /** Most nodes have the time of the one before, or none of their own. */
  #setTime(entry: number, time: Node.Timestamp): void {
    const { nanoseconds, secondsHigh, secondsLow } = this.table
    if (time === this.#time) {
      secondsHigh[entry] = secondsHigh[this.#timeEntry] ?? 0
      secondsLow[entry] = secondsLow[this.#timeEntry] ?? 0
    } else {
      secondsHigh[entry] = Number(time.seconds >> 32n)
      secondsLow[entry] = Number(BigInt.asUintN(32, time.seconds))
      this.#time = time
      this.#timeEntry = entry
    }
    nanoseconds[entry] = time.nanoseconds
  }

  #setOf(xattrs: ReadonlyMap<string, Uint8Array>): number | string {
    if (xattrs.size === 0) return 0
    const known = this.#sets.get(xattrs)
    if (known !== undefined) return known
    const { attributes } = this.table
    const set: Array<number> = []
    const names = new Set<number>()
    const budget = new XattrBudget()
    for (const [text, value] of xattrs) {
      const name = ByteString.fromText(text)
      const problem = name.includes("\0")
        ? "the name of an extended attribute contains a NUL byte"
        : xattrProblem(name, value.length)
      if (problem !== undefined) return problem
      if (!budget.set(name, value.length, set.length, undefined)) return xattrBudgetProblem
      const number = attributes.name(name)
      if (names.has(number)) return "two names of extended attributes are the same in bytes"
      names.add(number)
      set.push(attributes.attributeOf(number, value))
    }
    const number = attributes.addSet(set)
    this.#sets.set(xattrs, number)
    return number
  }
}

/** Writes the bytes of a text, which must fit, and gives the place behind them. */
const writeText = (text: string, into: Uint8Array, start: number): number => {
  let at = start
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (code > 0x7f) return writeBytes(ByteString.fromText(text), into, start)
    into[at++] = code
  }
  return at
}

const writeBytes = (bytes: ByteString.ByteString, into: Uint8Array, start: number): number => {
  for (let index = 0; index < bytes.length; index++) into[start + index] = bytes.charCodeAt(index)
  return start + bytes.length
}
