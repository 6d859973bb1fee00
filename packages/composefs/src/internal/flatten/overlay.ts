/**
 * The tree that layers are laid on, one entry after the other. Names share their inode here, as in a file system, so
 * that a hard link survives when the name it was made from goes away.
 */
import * as Result from "effect/Result"
import type * as Node from "../../Node.ts"
import { nameProblem } from "../paths.ts"
import { aufsPrefix } from "../tar/format.ts"
import { type Branch, implied, newBranch, type PathRules } from "./branch.ts"
import { type Ground, Walk } from "./walk.ts"

/** Where a name stands, or would stand. */
interface Place {
  readonly parent: Branch
  readonly name: string
}

/** 25 for each of two million entries: seconds, not hours. */
const maxSteps = 50_000_000

export class Overlay {
  readonly #ground: Ground
  /** What AUFS left in the root of this layer. */
  readonly #aufsNames = new Set<string>()

  constructor(rules: PathRules, maxImplied: number) {
    this.#ground = { root: newBranch(implied, -1), rules, layer: 0, steps: maxSteps, room: maxImplied, maxImplied }
  }

  get root(): Branch {
    return this.#ground.root
  }

  get #layer(): number {
    return this.#ground.layer
  }

  /** A directory's metadata, over what is there; what was in a directory stays. */
  directory(path: ReadonlyArray<string>, metadata: Node.Metadata): string | undefined {
    if (path.length === 0) {
      this.root.metadata = metadata
      return undefined
    }
    return this.#at(path, ({ name, parent }) => {
      const old = parent.entries.get(name)?.child
      const child = old?._tag === "Branch" ? old : newBranch(metadata, this.#layer)
      child.metadata = metadata
      child.metadataOf = this.#layer
      parent.entries.set(name, { child, layer: this.#layer })
    })
  }

  /** An inode of any other kind, in place of what is there. */
  leaf(path: ReadonlyArray<string>, inode: Exclude<Node.Inode, Node.Directory>): string | undefined {
    return this.#at(path, ({ name, parent }) => {
      parent.entries.set(name, { child: { _tag: "Leaf", inode }, layer: this.#layer })
    })
  }

  /** Another name of what stands at `target` now, in whichever layer. */
  hardLink(path: ReadonlyArray<string>, target: ReadonlyArray<string>): string | undefined {
    const place = this.#lookUp(target)
    if (Result.isFailure(place)) return `the target of the hard link: ${place.failure}`
    const child = place.success?.parent.entries.get(place.success.name)?.child
    if (child === undefined) return "the target of the hard link is missing"
    if (child._tag === "Branch") return "a hard link to a directory"
    return this.#at(path, ({ name, parent }) => {
      parent.entries.set(name, { child, layer: this.#layer })
    })
  }

  /** Takes away the name at `path`. */
  whiteout(path: ReadonlyArray<string>): string | undefined {
    return Result.match(this.#lookUp(path), {
      onFailure: (problem) => problem,
      onSuccess: (place) => {
        if (place !== undefined) this.#remove(place.parent, place.name)
        return undefined
      }
    })
  }

  /** Takes away all that is in the directory at `path`. */
  opaque(path: ReadonlyArray<string>): string | undefined {
    const walk = new Walk(this.#ground)
    const problem = walk.to(path, false)
    if (problem === undefined && !walk.isMissing) this.#clear(walk.here)
    return problem
  }

  /** What comes next belongs to the next layer. AUFS's own directories only served the links of this one. */
  endLayer(): void {
    for (const name of this.#aufsNames) this.root.entries.delete(name)
    this.#aufsNames.clear()
    this.#ground.layer++
  }

  #remove(parent: Branch, name: string): void {
    const entry = parent.entries.get(name)
    if (entry === undefined) return
    if (this.#ground.rules.whiteouts === "at-once" || entry.layer < this.#layer) {
      parent.entries.delete(name)
    } else if (entry.child._tag === "Branch") {
      if (entry.child.metadataOf < this.#layer) this.#forget(entry.child)
      this.#clear(entry.child)
    }
  }

  #clear(branch: Branch): void {
    if (this.#ground.rules.whiteouts === "at-once") branch.entries.clear()
    // Once is enough: nothing of lower layers comes back.
    if (branch.clearedBy === this.#layer) return
    branch.clearedBy = this.#layer
    for (const name of Array.from(branch.entries.keys())) this.#remove(branch, name)
  }

  /** The directory of a lower layer is gone; this layer, which has put something in its place, did not describe it. */
  #forget(branch: Branch): void {
    branch.metadata = implied
    branch.metadataOf = this.#layer
  }

  /** Puts something at a path; all on the way to it becomes this layer's. */
  #at(path: ReadonlyArray<string>, put: (place: Place) => void): string | undefined {
    const walk = new Walk(this.#ground)
    const name = path.at(-1)
    const problem = name === undefined
      ? "the root directory can only be a directory"
      : walk.to(path.slice(0, -1), true) ?? nameProblem(name) ?? walk.pathProblem(name)
    if (problem !== undefined || name === undefined) return problem
    walk.mark()
    if (path[0]?.startsWith(aufsPrefix) === true) this.#aufsNames.add(path[0])
    put({ parent: walk.here, name })
    return undefined
  }

  /** The place of a name, if there is one. */
  #lookUp(path: ReadonlyArray<string>): Result.Result<Place | undefined, string> {
    const walk = new Walk(this.#ground)
    const name = path.at(-1)
    const problem = name === undefined ? "it is the root directory" : walk.to(path.slice(0, -1), false)
    if (problem !== undefined) return Result.fail(problem)
    return Result.succeed(walk.isMissing || name === undefined ? undefined : { parent: walk.here, name })
  }
}
