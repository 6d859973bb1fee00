/** Which names of a tree share an inode. */
import type { Directory, Inode, Node } from "../../Node.ts"
import * as ByteString from "../byteString.ts"
import { findNode, hardLinks, resolverOf } from "../links.ts"
import { parentOf } from "../paths.ts"

/** All names of one inode that has several. */
export interface LinkGroup {
  /** The name that holds the inode. */
  readonly primary: string
  readonly node: Inode
  /** In byte order; the primary is one of them. */
  readonly names: ReadonlyArray<string>
}

/** The hard links of one tree. Costs a look at every entry; without links, nothing more. */
export class LinkGroups {
  readonly #root: Directory
  readonly #byName = new Map<string, LinkGroup>()
  /** Every directory that has a name of a group in it, at any depth. */
  readonly #above = new Set<string>()

  constructor(root: Directory) {
    this.#root = root
    const names = new Map<string, { readonly node: Inode; readonly names: Array<string> }>()
    const resolver = resolverOf(root)
    for (const [path, { target }] of hardLinks(root)) {
      const found = resolver.resolve(target)
      if (found._tag !== "Found") continue
      const group = names.get(found.path)
      if (group === undefined) names.set(found.path, { node: found.node, names: [found.path, path] })
      else group.names.push(path)
    }
    for (const [primary, group] of names) this.#add({ primary, node: group.node, names: inByteOrder(group.names) })
  }

  /** Whether the tree has an inode under this name. */
  has(path: string): boolean {
    return this.#byName.has(path) || isInode(findNode(this.#root, path))
  }

  groupAt(path: string): LinkGroup | undefined {
    return this.#byName.get(path)
  }

  /** The inode behind an entry; undefined for a link to nowhere. */
  inodeAt(path: string, node: Node): Inode | undefined {
    return node._tag === "HardLink" ? this.#byName.get(path)?.node : node
  }

  /** Whether a name of a group is in this directory, at any depth. */
  reachesInto(directory: string): boolean {
    return this.#above.has(directory)
  }

  #add(group: LinkGroup): void {
    for (const name of group.names) {
      this.#byName.set(name, group)
      let directory = parentOf(name)
      while (!this.#above.has(directory)) {
        this.#above.add(directory)
        directory = parentOf(directory)
      }
    }
  }
}

const isInode = (node: Node | undefined): boolean => node !== undefined && node._tag !== "HardLink"

const inByteOrder = (names: ReadonlyArray<string>): ReadonlyArray<string> =>
  names
    .map((name) => [ByteString.fromText(name), name] as const)
    .sort(([left], [right]) => ByteString.compare(left, right))
    .map(([, name]) => name)
