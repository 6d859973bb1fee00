/** The part of a tree that a predicate selects. */
import * as Node from "../Node.ts"
import { findNode, LinkResolver } from "./links.ts"
import { baseName, join } from "./paths.ts"

export interface Selector {
  readonly selects: (path: string, kind: Node.Kind) => boolean
  readonly descends: (path: string) => boolean
}

export const filterTree = (root: Node.Directory, selector: Selector): Node.Directory => {
  const filter = new Filter(root, selector)
  const filtered = filter.directory(root, "/")
  filter.placeLinks()
  return filtered
}

type Leaf = Exclude<Node.Inode, Node.Directory>

/** A name in the filtered tree, and the directory it is in. */
interface Place {
  readonly path: string
  readonly siblings: Map<string, Node.Node>
}

class Filter {
  readonly #selector: Selector
  readonly #resolver: LinkResolver
  /** How many names the inodes with hard links have, by path. */
  readonly #names: ReadonlyMap<string, number>
  /** Those inodes, if they were selected, or else the first of their links that was. */
  readonly #inodes = new Map<string, Place & { count: number }>()
  readonly #links: Array<Place & { readonly target: string; readonly node: Leaf }> = []

  constructor(root: Node.Directory, selector: Selector) {
    this.#selector = selector
    this.#resolver = new LinkResolver((path) => findNode(root, path))
    this.#names = countNames(root, this.#resolver)
  }

  directory(node: Node.Directory, path: string): Node.Directory {
    const entries = new Map<string, Node.Node>()
    for (const [name, child] of node.entries) {
      const kept = this.#entry(child, { path: join(path, name), siblings: entries })
      if (kept !== undefined) entries.set(name, kept)
    }
    return { ...node, entries }
  }

  /** Gives links the inode they were selected without, and inodes the number of names they have left. */
  placeLinks(): void {
    for (const { node, path, siblings, target } of this.#links) {
      const inode = this.#inodes.get(target)
      siblings.set(baseName(path), inode === undefined ? node : Node.hardLink(inode.path))
      if (inode === undefined) this.#inodes.set(target, { path, siblings, count: 1 })
      else inode.count++
    }
    for (const [original, { count, path, siblings }] of this.#inodes) {
      const node = siblings.get(baseName(path))
      const isWhole = count === this.#names.get(original)
      if (!isWhole && node !== undefined && "nlink" in node) siblings.set(baseName(path), { ...node, nlink: count })
    }
  }

  #entry(node: Node.Node, place: Place): Node.Node | undefined {
    switch (node._tag) {
      case "Directory":
        return this.#subdirectory(node, place.path)
      case "HardLink":
        return this.#link(node, place)
      default:
        if (!this.#selector.selects(place.path, Node.kindOf(node))) return undefined
        if (this.#names.has(place.path)) this.#inodes.set(place.path, { ...place, count: 1 })
        return node
    }
  }

  #subdirectory(node: Node.Directory, path: string): Node.Directory | undefined {
    const isSelected = this.#selector.selects(path, "directory")
    if (!isSelected && !this.#selector.descends(path)) return undefined
    const directory = this.directory(node, path)
    return isSelected || directory.entries.size > 0 ? directory : undefined
  }

  #link(node: Node.HardLink, place: Place): Node.HardLink | undefined {
    const found = this.#resolver.resolve(place.path)
    // No file system has links to directories; a dump may.
    if (found._tag !== "Found" || found.node._tag === "Directory") return undefined
    if (!this.#selector.selects(place.path, Node.kindOf(found.node))) return undefined
    this.#links.push({ ...place, target: found.path, node: found.node })
    return node
  }
}

const countNames = (root: Node.Directory, resolver: LinkResolver): ReadonlyMap<string, number> => {
  const names = new Map<string, number>()
  const count = (directory: Node.Directory, path: string): void => {
    for (const [name, node] of directory.entries) {
      const at = join(path, name)
      if (node._tag === "Directory") count(node, at)
      if (node._tag !== "HardLink") continue
      const found = resolver.resolve(at)
      if (found._tag === "Found") names.set(found.path, (names.get(found.path) ?? 1) + 1)
    }
  }
  count(root, "/")
  return names
}
