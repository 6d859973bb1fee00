/**
 * Histories of a file system, and the layers that carry each step: what a builder of images does. The last state is
 * known without reading any layer.
 */
import { Node, Tree } from "@lamina/composefs"
import * as Result from "effect/Result"
import * as fc from "fast-check"
import { directory, file, hardLink, type Item, opaque, symlink, whiteout } from "./archives.ts"

interface Inode {
  readonly kind: "directory" | "file" | "symlink" | "fifo"
  readonly content: string
  readonly mode: number
  readonly mtime: number
}

/** Inodes by path without the leading slash; names of one inode share the object. */
type State = ReadonlyMap<string, Inode>

interface Step {
  readonly kind: "put" | "put directory" | "remove" | "link" | "change"
  readonly at: number
  readonly other: number
  readonly value: number
}

const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom<Step["kind"]>("put", "put", "put directory", "put directory", "remove", "link", "change"),
  at: fc.nat(200),
  other: fc.nat(200),
  value: fc.nat(90)
})

/** How a step is told: where whiteouts stand, and which directories are opaque. */
interface Telling {
  readonly early: boolean
  readonly opaque: ReadonlyArray<boolean>
  readonly doubled: ReadonlyArray<boolean>
}

const telling: fc.Arbitrary<Telling> = fc.record({
  early: fc.boolean(),
  opaque: fc.array(fc.boolean(), { minLength: 40, maxLength: 40 }),
  doubled: fc.array(fc.boolean(), { minLength: 40, maxLength: 40 })
})

export interface History {
  readonly layers: ReadonlyArray<ReadonlyArray<Item>>
  readonly tree: Tree.Tree
}

/** With `early`, whiteouts always come first in their layer. */
export const history = (options: { readonly early: boolean }): fc.Arbitrary<History> =>
  fc.array(fc.tuple(fc.array(step, { minLength: 1, maxLength: 12 }), telling), { minLength: 1, maxLength: 5 })
    .map((chapters) => {
      const layers: Array<ReadonlyArray<Item>> = []
      let before: State = new Map()
      for (const [steps, how] of chapters) {
        const after = steps.reduce(take, before)
        layers.push(tell(before, after, { ...how, early: how.early || options.early }))
        before = after
      }
      return { layers, tree: treeOf(before) }
    })

const names = ["a", "b", "c", "d"]

const take = (state: State, { at, kind, other, value }: Step): State => {
  const next = new Map(state)
  const homes = ["", ...Array.from(state).flatMap(([path, { kind }]) => kind === "directory" ? [`${path}/`] : [])]
    .filter((home) => home.length < 7)
  const path = `${homes[at % homes.length]}${names[value % names.length]}`
  const old = next.get(path)
  const inode: Inode = {
    kind: (["file", "file", "symlink", "fifo"] as const)[other % 4] ?? "file",
    content: "x".repeat(1 + value),
    mode: 0o600 + (other % 8),
    mtime: value
  }
  if (kind === "link") {
    const targets = Array.from(state.values()).filter((target) => target.kind !== "directory")
    const target = targets[other % Math.max(targets.length, 1)]
    if (target === undefined || isInside(next, path)) return state
    clear(next, path)
    next.set(path, target)
  } else if (kind === "put directory") {
    if (old?.kind !== "directory") clear(next, path)
    next.set(path, { ...inode, kind: "directory", content: "" })
  } else if (kind === "put") {
    clear(next, path)
    next.set(path, inode)
  } else if (kind === "remove") {
    clear(next, Array.from(state.keys())[at % Math.max(state.size, 1)] ?? "")
  } else if (old?.kind === "directory") next.set(path, { ...old, mode: inode.mode })
  return next
}

const isInside = (state: State, path: string): boolean => state.get(path)?.kind === "directory"

const clear = (state: Map<string, Inode>, path: string): void => {
  for (const name of state.keys()) if (name === path || name.startsWith(`${path}/`)) state.delete(name)
}

/** The layer between two states. */
const tell = (before: State, after: State, how: Telling): ReadonlyArray<Item> => {
  const hidden = Array.from(before.keys()).filter((path) => after.get(path)?.kind !== before.get(path)?.kind)
  const opaques = Array.from(after).flatMap(([path, { kind }], at) =>
    kind === "directory" && before.get(path)?.kind === "directory" && how.opaque[at] === true ? [path] : []
  )
  const doubled = Array.from(after.keys()).filter((path, at) => before.has(path) && how.doubled[at] === true)
  const isTold = (path: string): boolean =>
    before.get(path) !== after.get(path) ||
    opaques.some((directory) => path.startsWith(`${directory}/`)) ||
    doubled.some((other) => path === other || path.startsWith(`${other}/`))
  const whiteouts = [
    ...hidden.filter((path) => !after.has(path) && !hidden.some((above) => path.startsWith(`${above}/`))).map(whiteout),
    ...opaques.map(opaque),
    ...doubled.map(whiteout)
  ].sort((left, right) => depth(right.path) - depth(left.path))
  const told = Array.from(after.keys()).filter(isTold).sort((left, right) => left.length - right.length)
  const homes = new Map<Inode, string>()
  for (const [path, inode] of after) if (!isTold(path)) homes.set(inode, path)
  const entries = told.map((path) => {
    const inode = after.get(path)
    if (inode === undefined) return directory(path)
    const home = homes.get(inode)
    homes.set(inode, home ?? path)
    return home === undefined || inode.kind === "directory" ? item(path, inode) : hardLink(path, home)
  })
  return how.early ? [...whiteouts, ...entries] : [...entries, ...whiteouts]
}

const depth = (path: string): number => path.split("/").length

const item = (path: string, { content, kind, mode, mtime }: Inode): Item => {
  switch (kind) {
    case "directory":
      return directory(path, { mode, mtime })
    case "file":
      return file(path, content, { mode, mtime })
    case "symlink":
      return { ...symlink(path, content), mode, mtime }
    case "fifo":
      return { path, type: "6", mode, mtime }
  }
}

const treeOf = (state: State): Tree.Tree => {
  const homes = new Map<Inode, string>()
  const counts = new Map<Inode, number>()
  for (const inode of state.values()) counts.set(inode, (counts.get(inode) ?? 0) + 1)
  const entries = Array.from(state).sort(([left], [right]) => left.length - right.length).map(([path, inode]) => {
    const home = homes.get(inode)
    homes.set(inode, home ?? `/${path}`)
    const nlink = counts.get(inode) ?? 1
    return {
      path: `/${path}`,
      node: home === undefined || inode.kind === "directory" ? nodeOf(inode, nlink) : Node.hardLink(home)
    }
  })
  return Result.getOrThrow(Tree.fromEntries([{ path: "/", node: Node.directory() }, ...entries]))
}

const nodeOf = ({ content, kind, mode, mtime }: Inode, nlink: number): Node.Node => {
  const metadata = { mode, mtime: { seconds: BigInt(mtime), nanoseconds: 0 }, nlink }
  switch (kind) {
    case "directory":
      return Node.directory({}, metadata)
    case "file":
      return Node.inlineFile(content, metadata)
    case "symlink":
      return Node.symlink(content, metadata)
    case "fifo":
      return Node.fifo(metadata)
  }
}
