/** Builds a tree from paths, parents first. Every way into a tree (dump, layer, entries) checks paths here. */
import * as Result from "effect/Result"
import type { Directory, HardLink, Node } from "../Node.ts"
import { LinkResolver } from "./links.ts"
import { baseName, join, nameProblem, parentOf, pathProblem, type PathReason } from "./paths.ts"

export class TreeBuilder {
  #root: Directory | undefined
  readonly #directories = new Map<string, Map<string, Node>>()
  readonly #links: Array<readonly [path: string, link: HardLink]> = []
  readonly #resolver = new LinkResolver((path) => this.#at(path))

  /** Adds a node at an absolute path; a directory brings its entries along. */
  add(path: string, node: Node): PathReason | undefined {
    const placed = node._tag === "Directory" ? { ...node, entries: new Map<string, Node>() } : node
    const failure = path === "/" ? this.#setRoot(placed) : this.#place(path, placed)
    if (failure !== undefined) return failure
    if (placed._tag === "HardLink") this.#links.push([path, placed])
    if (placed._tag === "Directory") this.#directories.set(path, placed.entries)
    if (node._tag !== "Directory") return undefined
    for (const [name, child] of node.entries) {
      const failure = this.add(join(path, name), child)
      if (failure !== undefined) return failure
    }
    return undefined
  }

  /** The tree, once every hard link was found to end at an inode of the tree. */
  finish(): Result.Result<{ readonly root: Directory }, PathReason> {
    if (this.#root === undefined) {
      return Result.fail({ _tag: "InvalidPath", path: "/", problem: "the root directory is missing" })
    }
    for (const [path, link] of this.#links) {
      const problem = this.#linkProblem(path, link)
      if (problem !== undefined) {
        return Result.fail({ _tag: "InvalidLink", path, target: link.target, problem })
      }
    }
    return Result.succeed({ root: this.#root })
  }

  /** Gives every inode with hard links the number of its names. Call it once, after {@link finish}. */
  countLinks(): void {
    const names = new Map<string, number>()
    for (const [, link] of this.#links) {
      const target = this.#resolver.resolve(link.target)
      if (target._tag === "Found") names.set(target.path, (names.get(target.path) ?? 1) + 1)
    }
    for (const [path, nlink] of names) {
      const node = this.#at(path)
      if (node !== undefined && "nlink" in node) {
        this.#directories.get(parentOf(path))?.set(baseName(path), { ...node, nlink })
      }
    }
  }

  /** A hard link that leads to a directory, if there is one. Dumps may have them, no file system does. */
  linkToDirectory(): string | undefined {
    return this.#links.find(([, link]) => {
      const target = this.#resolver.resolve(link.target)
      return target._tag === "Found" && target.node._tag === "Directory"
    })?.[0]
  }

  #setRoot(node: Node): PathReason | undefined {
    if (node._tag !== "Directory") {
      return { _tag: "InvalidPath", path: "/", problem: "the root must be a directory" }
    }
    if (this.#root !== undefined) return { _tag: "DuplicatePath", path: "/" }
    this.#root = node
    return undefined
  }

  #place(path: string, node: Node): PathReason | undefined {
    if (!path.startsWith("/")) return { _tag: "InvalidPath", path, problem: "expected an absolute path" }
    const name = baseName(path)
    const problem = pathProblem(path) ?? nameProblem(name)
    if (problem !== undefined) return { _tag: "InvalidPath", path, problem }
    const parent = parentOf(path)
    const siblings = this.#directories.get(parent)
    if (siblings === undefined) {
      return this.#at(parent) === undefined
        ? { _tag: "MissingParent", path }
        : { _tag: "NotADirectory", path, parent }
    }
    if (siblings.has(name)) return { _tag: "DuplicatePath", path }
    siblings.set(name, node)
    return undefined
  }

  #at(path: string): Node | undefined {
    return path === "/" ? this.#root : this.#directories.get(parentOf(path))?.get(baseName(path))
  }

  #linkProblem(path: string, link: HardLink): string | undefined {
    if (link.target === path) return "a file cannot be a hard link to itself"
    const target = this.#resolver.resolve(link.target)
    switch (target._tag) {
      case "Found":
        return undefined
      case "Missing":
        return `${target.path === link.target ? "the target" : target.path} is missing`
      case "Loop":
        return "the links form a loop"
    }
  }
}
