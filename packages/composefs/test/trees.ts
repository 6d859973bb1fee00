/** Arbitrary trees, with the contents of their external files. */
import { Dump, FsVerity, Node, Tree } from "@lamina/composefs"
import * as Option from "effect/Option"
import * as fc from "fast-check"

export interface Sample {
  readonly tree: Tree.Tree
  readonly contents: ReadonlyMap<string, Uint8Array>
}

/** Names of all kinds: plain, sorting before `.`, not ASCII, not UTF-8, long. */
const name = fc.oneof(
  { weight: 5, arbitrary: fc.stringMatching(/^[a-z0-9_.!+-]{1,12}$/) },
  { weight: 1, arbitrary: fc.stringMatching(/^[a-f0-9]{2}$/) },
  { weight: 1, arbitrary: fc.constantFrom("ü", "日本語", "a b", "tab\there", "new\nline", "back\\slash", "-", "=") },
  { weight: 1, arbitrary: fc.constantFrom("\udcff", "latin-\udce4", "\udc80\udc81") },
  { weight: 1, arbitrary: fc.integer({ min: 90, max: 255 }).map((size) => "n".repeat(size)) }
).filter((name) => name !== "." && name !== ".." && !name.startsWith(".wh."))

const timestamp = fc.oneof(
  { weight: 3, arbitrary: fc.constant(Node.epoch) },
  {
    weight: 2,
    arbitrary: fc.record({
      seconds: fc.oneof(fc.bigInt({ min: -5n, max: 5n }), fc.bigInt({ min: -(2n ** 40n), max: 2n ** 40n })),
      nanoseconds: fc.integer({ min: 0, max: 999_999_999 })
    })
  }
)

const owner = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 70_000 }), fc.constant(0xfffffffe))

// Not trusted.overlay.opaque: version 1 of the format overwrites it on directories with whiteouts.
const xattrName = fc.oneof(
  fc.constantFrom(
    "user.a",
    "user.b",
    "security.selinux",
    "security.capability",
    "trusted.foo",
    "system.posix_acl_access"
  ),
  fc.constantFrom("trusted.overlay.nlink", "trusted.overlay.redirect", "lustre.lov", "other", "user.ünï"),
  fc.stringMatching(/^user\.[a-z]{1,20}$/)
)
const xattrs = fc.oneof(
  { weight: 3, arbitrary: fc.constant(new Map<string, Uint8Array>()) },
  {
    weight: 1,
    arbitrary: fc.array(fc.tuple(xattrName, fc.uint8Array({ maxLength: 40 })), { maxLength: 6 })
      .map((pairs) => new Map<string, Uint8Array>(pairs))
  }
)

const metadata = fc.record({
  mode: fc.integer({ min: 0, max: 0o7777 }),
  uid: owner,
  gid: owner,
  mtime: timestamp,
  xattrs
})

const bytes = (min: number, max: number) =>
  fc.tuple(fc.integer({ min, max }), fc.integer({ min: 0, max: 255 }))
    .map(([size, seed]) => Uint8Array.from({ length: size }, (_, at) => (at * 31 + seed) & 0xff))

interface Leaf {
  readonly node: Node.Inode
  readonly content?: Uint8Array
}

const leaf: fc.Arbitrary<Leaf> = metadata.chain((metadata) =>
  fc.oneof(
    { weight: 3, arbitrary: bytes(0, 64).map((content): Leaf => ({ node: Node.inlineFile(content, metadata) })) },
    {
      weight: 3,
      arbitrary: bytes(65, 9000).map((content): Leaf => ({
        node: Node.externalFile({ size: content.length, digest: FsVerity.digest(content) }, metadata),
        content
      }))
    },
    {
      weight: 1,
      arbitrary: fc.oneof(
        fc.constantFrom("target", "../ü", "\udcff"),
        fc.integer({ min: 1, max: 4000 }).map((n) => "t".repeat(n))
      )
        .map((target): Leaf => ({ node: Node.symlink(target, metadata) }))
    },
    { weight: 1, arbitrary: fc.constant<Leaf>({ node: Node.fifo(metadata) }) },
    {
      weight: 1,
      arbitrary: fc.integer({ min: 1, max: 0xffffffff }).map((rdev): Leaf => ({
        node: Node.characterDevice(rdev, metadata)
      }))
    },
    {
      weight: 1,
      arbitrary: fc.integer({ min: 0, max: 0xffffffff }).map((rdev): Leaf => ({
        node: Node.blockDevice(rdev, metadata)
      }))
    },
    { weight: 1, arbitrary: fc.constant<Leaf>({ node: Node.whiteout(metadata) }) }
  )
)

interface Branch {
  readonly metadata: Node.MetadataOptions
  readonly leaves: ReadonlyArray<readonly [name: string, leaf: Leaf]>
  readonly branches: ReadonlyArray<readonly [name: string, branch: Branch]>
}

const branch = (depth: number): fc.Arbitrary<Branch> =>
  fc.record({
    metadata,
    leaves: fc.array(fc.tuple(name, leaf), { maxLength: 8 }),
    branches: depth === 0 ? fc.constant([]) : fc.array(fc.tuple(name, branch(depth - 1)), { maxLength: 3 })
  })

const grow = (
  branch: Branch,
  path: string,
  contents: Map<string, Uint8Array>,
  files: Array<readonly [path: string, directory: Map<string, Node.Node>, name: string]>
): Node.Directory => {
  const entries = new Map<string, Node.Node>()
  for (const [name, { content, node }] of branch.leaves) {
    if (entries.has(name)) continue
    entries.set(name, node)
    files.push([`${path}/${name}`, entries, name])
    if (content !== undefined && node._tag === "ExternalFile") contents.set(node.digest ?? "", content)
  }
  for (const [name, below] of branch.branches) {
    if (!entries.has(name)) entries.set(name, grow(below, `${path}/${name}`, contents, files))
  }
  return Node.directory(entries, branch.metadata)
}

/** Trees with all kinds of nodes, and hard links from anywhere to anywhere. */
export const sample: fc.Arbitrary<Sample> = fc.tuple(branch(2), fc.array(fc.tuple(fc.nat(), name), { maxLength: 3 }))
  .map(
    ([seed, links]) => {
      const contents = new Map<string, Uint8Array>()
      const files: Array<readonly [string, Map<string, Node.Node>, string]> = []
      const root = grow(seed, "", contents, files)
      const counts = new Map<string, number>()
      for (const [pick, name] of links) {
        const target = files[pick % Math.max(files.length, 1)]
        const home = files[(pick * 7 + 3) % Math.max(files.length, 1)]?.[1]
        const node = target?.[1].get(target[2])
        if (
          target === undefined || home === undefined || node === undefined || home.has(name) || Node.isWhiteout(node)
        ) continue
        home.set(name, Node.hardLink(target[0]))
        counts.set(target[0], (counts.get(target[0]) ?? 1) + 1)
      }
      for (const [path, directory, name] of files) {
        const node = directory.get(name)
        const nlink = counts.get(path)
        if (nlink !== undefined && node !== undefined && "nlink" in node) directory.set(name, { ...node, nlink })
      }
      return { tree: { root }, contents }
    }
  )

/**
 * What a tree shows under each path, whichever of several hard links is the first. Two trees that agree in this are the
 * same to everybody who looks at them.
 */
export const view = (tree: Tree.Tree): ReadonlyMap<string, string> => {
  const lines = new Map<string, string>()
  const owners = new Map<string, Array<string>>()
  for (const { path } of Tree.walk(tree)) {
    const found = Option.getOrThrow(Tree.resolve(tree, path))
    const bare = found.node._tag === "Directory" ? Node.directory({}, found.node) : found.node
    const line = found.node._tag === "Directory"
      ? Dump.print({ root: bare._tag === "Directory" ? bare : Node.directory() })
      : Dump.print({ root: Node.directory({ node: bare }) })
    lines.set(path, line)
    owners.set(found.path, [...owners.get(found.path) ?? [], path])
  }
  for (const paths of owners.values()) for (const path of paths) lines.set(path, `${lines.get(path)} = ${paths.join()}`)
  return lines
}
