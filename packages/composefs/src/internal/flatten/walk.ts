/**
 * A walk from the root of an overlay to a directory. Symbolic links on the way are followed within the tree, as
 * container runtimes do: `..` does not lead out of the root, nor does an absolute target.
 */
import * as ByteString from "../byteString.ts"
import { longPathProblem, maxPathSize, nameProblem } from "../paths.ts"
import { type Branch, type Entry, implied, type Leaf, newBranch, type PathRules } from "./branch.ts"

/** As the kernel has it. */
const maxSymlinks = 40

/** What is walked on. */
export interface Ground {
  readonly root: Branch
  readonly rules: PathRules
  layer: number
  /** How many more names may be looked up; links to links could make few bytes a long way. */
  steps: number
  /** How many more directories may be implied: few bytes of a path could make many. */
  room: number
  readonly maxImplied: number
}

interface Step {
  readonly name: string
  readonly branch: Branch
  readonly entry: Entry
}

export class Walk {
  readonly #ground: Ground
  readonly #trail: Array<Step> = []
  /** The names to come, in reverse order. */
  readonly #ahead: Array<string> = []
  #pathSize = 0
  #symlinks = 0
  #isMissing = false

  constructor(ground: Ground) {
    this.#ground = ground
  }

  get here(): Branch {
    return this.#trail.at(-1)?.branch ?? this.#ground.root
  }

  /** Whether the walk ended where there is no directory to go on to. */
  get isMissing(): boolean {
    return this.#isMissing
  }

  /** Goes to a directory, which is made if it is wanted and not there; tells what is in the way. */
  to(path: ReadonlyArray<string>, isWanted: boolean): string | undefined {
    this.#goOn(path)
    for (let name = this.#ahead.pop(); name !== undefined; name = this.#ahead.pop()) {
      if (--this.#ground.steps < 0) return "the ways to all entries are too long together"
      if (name === "" || name === ".") continue
      if (name === "..") this.#leave()
      else {
        const entry = this.here.entries.get(name)
        const problem = entry === undefined ? this.#imply(name, isWanted) : this.#step(name, entry)
        if (problem !== undefined || this.#isMissing) return problem
      }
    }
    return undefined
  }

  /** Symbolic links could otherwise build a tree deeper than any path. */
  pathProblem(name: string): string | undefined {
    return this.#pathSize + sizeOf(name) > maxPathSize ? longPathProblem : undefined
  }

  /** Marks all directories on the way as of this layer. */
  mark(): void {
    for (const { entry } of this.#trail) entry.layer = this.#ground.layer
  }

  #step(name: string, entry: Entry): string | undefined {
    if (entry.child._tag === "Leaf") return this.#follow(name, entry.child)
    this.#trail.push({ name, branch: entry.child, entry })
    this.#pathSize += sizeOf(name)
    return undefined
  }

  #leave(): void {
    const left = this.#trail.pop()
    if (left !== undefined) this.#pathSize -= sizeOf(left.name)
  }

  #imply(name: string, isWanted: boolean): string | undefined {
    if (this.#ground.rules.missingParents === "refuse") {
      return `${JSON.stringify(name)} on the way to it is missing; the rule missingParents: "create" would imply it`
    }
    this.#isMissing = !isWanted
    if (!isWanted) return undefined
    const problem = nameProblem(name) ?? this.pathProblem(name)
    if (problem !== undefined) return problem
    if (--this.#ground.room < 0) {
      return `more than ${this.#ground.maxImplied} directories are on the way to entries and in no layer; see maxEntries`
    }
    const entry = { child: newBranch(implied, this.#ground.layer), layer: this.#ground.layer }
    this.here.entries.set(name, entry)
    return this.#step(name, entry)
  }

  #follow(name: string, { inode }: Leaf): string | undefined {
    if (inode._tag !== "Symlink") return `${JSON.stringify(name)} on the way to it is not a directory`
    if (this.#ground.rules.symlinkedParents === "refuse") {
      return `${
        JSON.stringify(name)
      } on the way to it is a symbolic link; the rule symlinkedParents: "follow" allows it`
    }
    if (++this.#symlinks > maxSymlinks) return "too many symbolic links are on the way to it"
    if (inode.target.startsWith("/")) { while (this.#trail.length > 0) this.#leave() }
    this.#goOn(inode.target.split("/"))
    return undefined
  }

  /** One by one: there may be more names than a call takes arguments. */
  #goOn(names: ReadonlyArray<string>): void {
    for (const name of names.toReversed()) this.#ahead.push(name)
  }
}

/** With the slash in front. */
const sizeOf = (name: string): number => 1 + ByteString.fromText(name).length
