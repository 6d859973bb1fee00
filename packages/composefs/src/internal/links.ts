/**
 * Where hard links lead. Links to links may form chains as long as a hostile tree likes, and many links lead to one file
 * deep down: each path is looked up once, and what was found holds for all that lead there.
 */
import type { Directory, HardLink, Inode, Node } from "../Node.ts"
import { baseName, join, parentOf } from "./paths.ts"

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

  /** The inode behind the name at `path`: give the target of a link, which others may share. */
  resolve(path: string): Resolution {
    const met = new Set<string>()
    const resolution = this.#follow(path, met)
    for (const at of met) this.#known.set(at, resolution)
    return resolution
  }

  #follow(path: string, met: Set<string>): Resolution {
    for (let at = path;;) {
      if (met.has(at)) return { _tag: "Loop" }
      const known = this.#known.get(at)
      if (known !== undefined) return known
      met.add(at)
      const node = this.#find(at)
      if (node === undefined) return { _tag: "Missing", path: at }
      if (node._tag !== "HardLink") return { _tag: "Found", path: at, node }
      at = node.target
    }
  }
}

/** Follows the hard links below a root. Targets in one directory are mostly not alone there: it is looked for once. */
export const resolverOf = (root: Directory): LinkResolver => {
  const directories = new Map<string, Node | undefined>()
  return new LinkResolver((path) => {
    if (path === "/" || !path.startsWith("/")) return findNode(root, path)
    const parent = parentOf(path)
    if (!directories.has(parent)) directories.set(parent, findNode(root, parent))
    const directory = directories.get(parent)
    return directory?._tag === "Directory" ? directory.entries.get(baseName(path)) : undefined
  })
}

/** Every hard link and where it stands, in no order. */
export function* hardLinks(root: Directory): Generator<readonly [path: string, link: HardLink]> {
  const pending: Array<readonly [path: string, directory: Directory]> = [["/", root]]
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const [path, directory] = next
    for (const [name, node] of directory.entries) {
      if (node._tag === "Directory") pending.push([join(path, name), node])
      else if (node._tag === "HardLink") yield [join(path, name), node]
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
