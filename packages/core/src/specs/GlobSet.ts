/**
 * Many patterns at once: which of them cover a path, in one walk over its names instead of one per pattern.
 *
 * The patterns are merged into one tree by their components. Where paths of one directory follow each other, only the
 * last name of each is looked at.
 *
 * @since 0.1.0
 */
import type { Glob, PathKind } from "./Glob.ts"
import type { Alternative, Component } from "./internal/GlobSyntax.ts"
import * as NameMatching from "./internal/NameMatching.ts"

/**
 * A compiled list of patterns. Patterns are known by their position in the list.
 *
 * @category models
 * @since 0.1.0
 */
export interface GlobSet {
  /** The positions of all patterns that cover the path, ascending. */
  readonly covering: (path: string, kind?: PathKind) => ReadonlyArray<number>
  /** The lowest position of a pattern that covers the path, or -1. */
  readonly first: (path: string, kind?: PathKind) => number
  /** Whether some path below the directory may be covered; `false` lets a walk leave the directory out. */
  readonly mayCoverBelow: (directory: string) => boolean
}

interface Node {
  readonly literals: Map<string, Node>
  readonly wildcards: Map<string, { readonly accepts: (name: string) => boolean; readonly node: Node }>
  /** Entered without taking a name, and stays for any number of names: a `**` in the middle. */
  globstar: Node | undefined
  readonly repeats: boolean
  readonly ends: Array<number>
  readonly directoryEnds: Array<number>
  /** The last step that came here, which need not come twice: looking for the node among the others would take longer. */
  enteredBy: Step | undefined
}

/** Where the patterns stand after a directory's names. */
interface State {
  readonly nodes: ReadonlyArray<Node>
  /** Patterns that cover the path whatever it is, and those which cover it if it is a directory. */
  readonly ends: ReadonlyArray<number>
  readonly directoryEnds: ReadonlyArray<number>
}

const makeNode = (repeats: boolean): Node => ({
  literals: new Map(),
  wildcards: new Map(),
  globstar: undefined,
  repeats,
  ends: [],
  directoryEnds: [],
  enteredBy: undefined
})

const keyOf = (component: Component): string => JSON.stringify(component)

const childOf = (node: Node, component: Component, isLast: boolean): Node => {
  if (component._tag === "Literal") {
    const child = node.literals.get(component.text) ?? makeNode(false)
    node.literals.set(component.text, child)
    return child
  }
  if (component._tag === "Globstar" && !isLast) return node.globstar ??= makeNode(true)
  // At the end `**` covers what `*` covers: one name, and everything below.
  const key = component._tag === "Globstar" ? "**" : keyOf(component)
  const existing = node.wildcards.get(key)
  if (existing !== undefined) return existing.node
  const child = makeNode(false)
  node.wildcards.set(key, { accepts: NameMatching.matcher(component), node: child })
  return child
}

const insert = (root: Node, alternative: Alternative, position: number): void => {
  const { components, directoryOnly } = alternative
  let node = root
  for (const [index, component] of components.entries()) {
    node = childOf(node, component, index === components.length - 1)
  }
  const ends = directoryOnly ? node.directoryEnds : node.ends
  if (ends.at(-1) !== position) ends.push(position)
}

const none: ReadonlyArray<number> = []

const union = (left: ReadonlyArray<number>, right: ReadonlyArray<number>): ReadonlyArray<number> => {
  if (right.length === 0) return left
  if (left.length === 0) return right
  return [...new Set([...left, ...right])].sort((a, b) => a - b)
}

/** What a step collects: the nodes from which patterns may go on, and the patterns that end here. */
class Step {
  readonly nodes: Array<Node> = []
  ends: ReadonlyArray<number>
  directoryEnds = none

  constructor(ends: ReadonlyArray<number>) {
    this.ends = ends
  }

  enter(node: Node): void {
    for (let next: Node | undefined = node; next !== undefined && next.enteredBy !== this; next = next.globstar) {
      next.enteredBy = this
      if (next.ends.length > 0) this.ends = union(this.ends, next.ends)
      if (next.directoryEnds.length > 0) this.directoryEnds = union(this.directoryEnds, next.directoryEnds)
      if (goesOn(next)) this.nodes.push(next)
    }
  }
}

const goesOn = ({ globstar, literals, repeats, wildcards }: Node): boolean =>
  repeats || globstar !== undefined || literals.size > 0 || wildcards.size > 0

const start = (root: Node): State => {
  const step = new Step(none)
  step.enter(root)
  return step
}

const step = (state: State, name: string): State => {
  // Below what is covered or lost for good nothing changes any more.
  if (state.nodes.length === 0 && state.directoryEnds.length === 0) return state
  const next = new Step(union(state.ends, state.directoryEnds))
  for (const node of state.nodes) {
    if (node.repeats) next.enter(node)
    const literal = node.literals.get(name)
    if (literal !== undefined) next.enter(literal)
    for (const wildcard of node.wildcards.values()) if (wildcard.accepts(name)) next.enter(wildcard.node)
  }
  return next
}

const isName = (name: string): boolean => name !== "" && name !== "." && name !== ".."

const rememberedDirectories = 4096

/**
 * Compiles patterns. The result keeps what it learnt of at most 4096 directories, and forgets all of it beyond.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (globs: ReadonlyArray<Glob>): GlobSet => {
  const root = makeNode(false)
  for (const [position, glob] of globs.entries()) {
    for (const alternative of glob.alternatives) insert(root, alternative, position)
  }
  const initial = start(root)
  const known = new Map<string, State | undefined>()

  const walk = (directory: string): State | undefined => {
    if (directory === "") return initial
    if (!directory.startsWith("/")) return undefined
    let state = initial
    for (const name of directory.slice(1).split("/")) {
      if (!isName(name)) return undefined
      state = step(state, name)
    }
    return state
  }

  // Paths of one directory mostly follow each other; the directory's text then need not be cut out and hashed.
  let last = ""
  let lastState: State | undefined = initial

  const stateOf = (directory: string): State | undefined => {
    const remembered = known.get(directory)
    if (remembered !== undefined || known.has(directory)) return remembered
    if (known.size >= rememberedDirectories) known.clear()
    const state = walk(directory)
    known.set(directory, state)
    return state
  }

  const stateOfParent = (path: string, slash: number): State | undefined => {
    if (slash !== last.length || !path.startsWith(last)) {
      last = path.slice(0, slash)
      lastState = stateOf(last)
    }
    return lastState
  }

  const covering = (path: string, kind: PathKind = "file"): ReadonlyArray<number> => {
    const slash = path.lastIndexOf("/")
    const name = path.slice(slash + 1)
    const parent = slash < 0 || !isName(name) ? undefined : stateOfParent(path, slash)
    if (parent === undefined) return none
    const state = step(parent, name)
    return kind === "directory" ? union(state.ends, state.directoryEnds) : state.ends
  }

  return {
    covering,
    first: (path, kind) => covering(path, kind)[0] ?? -1,
    mayCoverBelow: (directory) => {
      const state = stateOf(directory === "/" ? "" : directory)
      return state !== undefined && (state.nodes.length > 0 || state.ends.length > 0 || state.directoryEnds.length > 0)
    }
  }
}
