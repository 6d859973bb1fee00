/**
 * Where hard links lead. Links to links may form chains as long as a hostile tree likes: each is walked once, and what
 * was found holds for all of it.
 */
import type { Directory, Inode, Node } from "../Node.ts"
import { baseName, parentOf } from "./paths.ts"

export type Resolution =
  | { readonly _tag: "Found"; readonly path: string; readonly node: Inode }
  | { readonly _tag: "Missing"; readonly path: string }
  | { readonly _tag: "Loop" }

/** Follows the hard links of one tree, which must not change meanwhile. */
export class LinkResolver {
  readonly #find: (path: string) => Node | undefined
  readonly #known = new Map<string, Resolution>()

  constructor(find: (path: string) => Node | undefined) {
    this.#find = find
  }

  /** The inode behind the name at `path`. */
  resolve(path: string): Resolution {
    const links = new Set<string>()
    const resolution = this.#follow(path, links)
    for (const link of links) this.#known.set(link, resolution)
    return resolution
  }

  #follow(path: string, links: Set<string>): Resolution {
    for (let at = path;;) {
      if (links.has(at)) return { _tag: "Loop" }
      const known = this.#known.get(at)
      if (known !== undefined) return known
      const node = this.#find(at)
      if (node === undefined) return { _tag: "Missing", path: at }
      if (node._tag !== "HardLink") return { _tag: "Found", path: at, node }
      links.add(at)
      at = node.target
    }
  }
}

/** The node at an absolute path, links not followed. */
export const findNode = (root: Directory, path: string): Node | undefined => {
  if (path === "/") return root
  if (!path.startsWith("/")) return undefined
  let directory: Node | undefined = root
  for (const name of parentOf(path).split("/")) {
    if (name !== "") directory = directory?._tag === "Directory" ? directory.entries.get(name) : undefined
  }
  return directory?._tag === "Directory" ? directory.entries.get(baseName(path)) : undefined
}
