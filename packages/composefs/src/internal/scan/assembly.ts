/** Makes a tree of what was listed and read. */
import * as Node from "../../Node.ts"
import { join } from "../paths.ts"
import type { InodeMaker } from "./inodes.ts"
import type { Readings } from "./readings.ts"
import type { ListedDirectory } from "./walk.ts"

/** Attributes by path inside the tree. */
export type XattrsByPath = ReadonlyMap<string, ReadonlyMap<string, Uint8Array>>

/** The first name of an inode that has several. */
interface FirstLink {
  readonly path: string
  readonly name: string
  readonly siblings: Map<string, Node.Node>
  count: number
}

export class Assembly {
  readonly #readings: Readings
  readonly #make: InodeMaker
  readonly #keepsLinks: boolean
  readonly #xattrs: XattrsByPath | undefined
  readonly #links = new Map<string, FirstLink>()

  constructor(readings: Readings, make: InodeMaker, keepsLinks: boolean, xattrs: XattrsByPath | undefined) {
    this.#readings = readings
    this.#make = make
    this.#keepsLinks = keepsLinks
    this.#xattrs = xattrs
  }

  /** The tree under a directory. */
  assemble(root: ListedDirectory): Node.Directory {
    const directory = this.#directory(root)
    this.#countLinks()
    return directory
  }

  #directory({ contents, names, path, stats }: ListedDirectory): Node.Directory {
    const nodes = new Map<string, Node.Node>()
    names.forEach((name, at) => {
      const content = contents[at]
      if (typeof content === "number") {
        nodes.set(name, this.#link(content, path, name, nodes) ?? this.#leaf(content, path, name))
      } else if (content !== undefined) {
        const directory = this.#directory(content)
        if (content.isSelected || directory.entries.size > 0) nodes.set(name, directory)
      }
    })
    return this.#withXattrs(Node.directory(nodes, this.#make.metadata(stats)), path)
  }

  #leaf(slot: number, parent: string, name: string): Node.Inode {
    const node = this.#readings.node(slot)
    return this.#xattrs === undefined ? node : this.#withXattrs(node, join(parent, name))
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
