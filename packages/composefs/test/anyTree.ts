/**
 * Arbitrary trees of everything that a dump can say, also what no file system would hold: names of any bytes, sizes and
 * ids up to their limits, attributes that look like the format's own, and data just around the boundaries of blocks.
 * `trees.ts` has tamer ones, whose files have contents.
 */
import { Node, type Tree } from "@lamina/composefs"
import * as fc from "fast-check"
import { bytesToText } from "../src/internal/byteString.ts"

export interface AnyTreeOptions {
  /** Whether files may have sha512 digests too, which only some implementations know. Default true. */
  readonly sha512?: boolean
  /** Whether hard links may lead to whiteouts. Default true. */
  readonly linkedWhiteouts?: boolean
  /** Whether they may lead to directories, as dumps can say. Default false. */
  readonly linkedDirectories?: boolean
}

/** Each value, the one below and the one above. */
const around = (...values: ReadonlyArray<number>): ReadonlyArray<number> =>
  values.flatMap((value) => [value - 1, value, value + 1])

const weighted = <A>(...choices: ReadonlyArray<readonly [weight: number, arbitrary: fc.Arbitrary<A>]>) =>
  fc.oneof(...choices.map(([weight, arbitrary]) => ({ weight, arbitrary })))

/** Text of any bytes except NUL, and slash if it is a name. */
const anyBytes = (max: number, isName: boolean) =>
  fc.uint8Array({ min: 1, minLength: 1, maxLength: max })
    .map((bytes) => bytesToText(isName ? bytes.map((byte) => byte === 0x2f ? 0x30 : byte) : bytes))

const stubLike = fc.integer({ min: 0, max: 255 }).map((byte) => byte.toString(16).padStart(2, "0"))

const oddNames = [
  "...",
  ".a",
  "..a",
  "!",
  "+",
  "-",
  "--",
  "=",
  "@",
  "\\",
  "\\x41",
  "a b",
  "tab\t",
  "new\nline",
  "return\r",
  "\x7f",
  "\x01",
  "FF",
  "0",
  "000",
  "ü",
  "日本語",
  "😀",
  "\udcff",
  "\udcc3\udcc3",
  "latin-\udce4",
  "\udced\udca0\udc80"
]

const longName = fc.tuple(fc.constantFrom("n", "m", "\udcff"), fc.constantFrom(100, 200, ...around(254)))
  .map(([letter, size]) => letter.repeat(size))

const name = weighted<string>(
  [5, fc.stringMatching(/^[a-z0-9_.!+-]{1,12}$/)],
  [2, stubLike],
  [2, fc.constantFrom(...oddNames)],
  [2, anyBytes(16, true)],
  [1, longName]
).filter((name) => name !== "." && name !== "..")

const id = weighted<number>(
  [4, fc.constant(0)],
  [2, fc.integer({ min: 0, max: 70_000 })],
  [1, fc.constantFrom(...around(65_535), 0xfffffffe, 0xffffffff)]
)

const linkCount = weighted<number>(
  [6, fc.constant(1)],
  [1, fc.constantFrom(0, 2, ...around(65_535), 0xffffffff)]
)

const seconds = weighted<bigint>(
  [2, fc.bigInt({ min: -5n, max: 5n })],
  [2, fc.bigInt({ min: -(2n ** 40n), max: 2n ** 40n })],
  [1, fc.constantFrom(-1n, 2n ** 31n, 2n ** 32n, -(2n ** 63n), 2n ** 63n - 1n)]
)
const nanoseconds = weighted<number>(
  [2, fc.constant(0)],
  [4, fc.integer({ min: 0, max: 999_999_999 })],
  [1, fc.constantFrom(1_000_000_000, 0xffffffff)]
)
const timestamp = weighted<Node.Timestamp>(
  [4, fc.constant(Node.epoch)],
  [1, fc.constant({ seconds: 1_700_000_000n, nanoseconds: 0 })],
  [3, fc.record({ seconds, nanoseconds })]
)

const plainXattrNames = [
  "user.a",
  "user.b",
  "user.ünï",
  "user.=",
  "user.",
  "security.selinux",
  "security.capability",
  "trusted.foo",
  "lustre.lov",
  "other",
  "x",
  "system.posix_acl_access",
  "system.posix_acl_default",
  "system.posix_acl_accessX",
  "system.other"
]
/** What the writer itself stores, plain and escaped up to two times. */
const overlayXattrNames = ["opaque", "metacopy", "redirect", "whiteout", "whiteouts", "nlink", ""].flatMap((suffix) =>
  ["user.overlay.", "trusted.overlay.", "trusted.overlay.overlay."].map((prefix) => `${prefix}${suffix}`)
)
const xattrName = weighted<string>(
  [6, fc.constantFrom(...plainXattrNames)],
  [3, fc.constantFrom(...overlayXattrNames)],
  [1, anyBytes(12, false)],
  [1, fc.constantFrom("user.", "trusted.overlay.", "q").map((prefix) => prefix.padEnd(255, "k"))]
)

const filled = (size: number, seed: number): Uint8Array =>
  Uint8Array.from({ length: size }, (_, at) => (at * 31 + seed) & 0xff)
const printable = (size: number): Uint8Array => new Uint8Array(size).fill(0x61)

/** Few values, so that attributes are shared, and some of any bytes. */
const xattrValue = weighted<Uint8Array>(
  [3, fc.constantFrom("", "x", "y", "yyy", "-").map((text) => Buffer.from(text))],
  [2, fc.uint8Array({ maxLength: 40 })],
  [1, fc.constantFrom(...around(64, 255, 1000)).map((size) => filled(size, 7))]
)

type Xattrs = ReadonlyMap<string, Uint8Array>

/** More than the 128 that an inode may refer to, the same for every inode that has them. */
const crowdOfXattrs = fc.constantFrom(126, 128, 129, 140).map((count): Xattrs =>
  new Map(Array.from({ length: count }, (_, at) => [`user.crowd${at}`, Uint8Array.of(at % 3)]))
)
/** All that the budget of an inode allows: 32767 less 12 bytes, of which each attribute takes 7 more than it has. */
const fullBudget = fc.constantFrom("user.full", "q", "trusted.overlay.x").map((name): Xattrs =>
  new Map([[name, printable(32_767 - 12 - 7 - name.length)]])
)
const xattrs = weighted<Xattrs>(
  [24, fc.constant(new Map())],
  [20, fc.array(fc.tuple(xattrName, xattrValue), { minLength: 1, maxLength: 6 }).map((pairs) => new Map(pairs))],
  [2, crowdOfXattrs],
  [1, fullBudget]
)

const metadata = fc.record({
  mode: fc.integer({ min: 0, max: 0o7777 }),
  uid: id,
  gid: id,
  mtime: timestamp,
  nlink: linkCount,
  xattrs
})
type AnyMetadata = Node.Metadata & { readonly nlink: number }

const inlineSize = weighted<number>(
  [3, fc.integer({ min: 0, max: 64 })],
  [2, fc.constantFrom(0, 1, 63, 64, 65, ...around(2048, 4096), 4999, 5000)]
)
const inlineFile = fc.tuple(inlineSize, fc.nat(255)).map(([size, seed]) => (metadata: AnyMetadata) =>
  Node.inlineFile(filled(size, seed), metadata)
)

/** One chunk up to 2^43 bytes, up to 1024 of them behind: the limit is 2^53. */
const externalSize = weighted<number>(
  [2, fc.integer({ min: 1, max: 100_000 })],
  [2, fc.constantFrom(1, 2, ...around(2 ** 12, 2 ** 13, 2 ** 16, 2 ** 32, 2 ** 43, 2 ** 44))],
  [1, fc.integer({ min: 1, max: 1023 }).map((chunks) => chunks * 2 ** 43 + 1)],
  [1, fc.constantFrom(2 ** 53 - 2 ** 43, 2 ** 53 - 1, 2 ** 53)]
)
const payload = weighted<string | undefined>(
  [3, fc.constant(undefined)],
  [3, fc.constantFrom("ab/cd", "/absolute", "../..", "-", "a b", "=", "ü", "\udcff", "x".repeat(4095))],
  [2, anyBytes(40, false)]
)
const externalFile = ({ sha512 }: AnyTreeOptions) => {
  const sizes = sha512 === false ? [32] : [32, 32, 64]
  const digest = weighted<string | undefined>(
    [5, fc.tuple(fc.nat(255), fc.constantFrom(...sizes)).map(([seed, size]) => hex(filled(size, seed)))],
    [1, fc.constant(undefined)]
  )
  return fc.tuple(externalSize, digest, payload, fc.boolean()).map(
    ([size, digest, payload, isUsual]) => (metadata: AnyMetadata): Node.Inode => {
      const file = Node.externalFile({ size, digest }, metadata)
      return isUsual ? file : { ...file, payload }
    }
  )
}
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex")

const targetSize = weighted<number>(
  [2, fc.integer({ min: 1, max: 100 })],
  [2, fc.integer({ min: 3700, max: 4095 })],
  [1, fc.constantFrom(1, 2047, 2048, 2049, 4000, 4031, 4032, 4063, 4064, 4095)]
)
const symlink = weighted<string>(
  [1, fc.constantFrom("target", "../ü", "\udcff", "-", "/", ".")],
  [1, anyBytes(30, false)],
  [2, targetSize.map((size) => "t".repeat(size))]
).map((target) => (metadata: AnyMetadata) => Node.symlink(target, metadata))

/** A size that no image keeps; one of more than 32 bits still makes the inode longer. */
const claimedSize = weighted<number>([5, fc.constant(0)], [1, fc.constantFrom(1, 0xffffffff, 2 ** 32, 2 ** 53)])
const deviceNumber = weighted<number>(
  [3, fc.integer({ min: 1, max: 0xffffffff })],
  [1, fc.constantFrom(1, 0x103, 0xffffffff)]
)
const special = fc.tuple(fc.constantFrom("fifo", "socket", "character", "block"), deviceNumber, claimedSize)
  .map(([kind, rdev, size]) => (metadata: AnyMetadata): Node.Inode => {
    const options = { ...metadata, size }
    switch (kind) {
      case "fifo":
        return Node.fifo(options)
      case "socket":
        return Node.socket(options)
      case "character":
        return Node.characterDevice(rdev, options)
      default:
        return Node.blockDevice(rdev === 1 ? 0 : rdev, options)
    }
  })
const whiteout = fc.constant((metadata: AnyMetadata): Node.Inode => Node.characterDevice(0, metadata))

const leaf = (options: AnyTreeOptions): fc.Arbitrary<Node.Inode> =>
  fc.tuple(
    metadata,
    weighted<(metadata: AnyMetadata) => Node.Inode>(
      [4, inlineFile],
      [4, externalFile(options)],
      [2, symlink],
      [2, special],
      [1, whiteout]
    )
  ).map(([metadata, make]) => make(metadata))

/** Names that fill a directory to just about the size at which its last block changes from inline to whole. */
const filling = fc.tuple(fc.constantFrom(2048, 4096, 4096 + 2048, 8192), fc.integer({ min: -3, max: 3 }))
  .map(([size, off]) => {
    // Of each entry 12 bytes and its name; `.` and `..` take 27 bytes.
    const names: Array<string> = []
    for (let left = size + off - 27; left > 12; left -= 12 + 240) {
      const index = String(names.length).padStart(3, "0")
      names.push(`${index}${"f".repeat(240)}`.slice(0, Math.min(left - 12, 240)))
    }
    return names
  })

interface Branch {
  readonly metadata: AnyMetadata
  readonly leaves: ReadonlyArray<readonly [name: string, node: Node.Inode]>
  readonly branches: ReadonlyArray<readonly [name: string, branch: Branch]>
  readonly filling: ReadonlyArray<string>
}

const branch = (depth: number, options: AnyTreeOptions): fc.Arbitrary<Branch> =>
  fc.record({
    metadata,
    leaves: fc.array(fc.tuple(name, leaf(options)), { maxLength: 6 }),
    branches: depth === 0 ? fc.constant([]) : fc.array(fc.tuple(name, branch(depth - 1, options)), { maxLength: 3 }),
    filling: weighted<ReadonlyArray<string>>([12, fc.constant([])], [1, filling])
  })

/** Where an inode stands, so that links can be made to it and beside it. */
interface Place {
  readonly path: string
  readonly home: Map<string, Node.Node>
  readonly isWhiteout: boolean
}

/** What a tree is put together with. */
interface Growth {
  readonly places: Array<Place>
  readonly linksDirectories: boolean
}

const grow = (branch: Branch, path: string, growth: Growth): Node.Directory => {
  const { places } = growth
  const entries = new Map<string, Node.Node>()
  for (const name of branch.filling) entries.set(name, Node.fifo())
  for (const [name, node] of branch.leaves) {
    if (entries.has(name)) continue
    entries.set(name, node)
    places.push({ path: `${path}/${name}`, home: entries, isWhiteout: Node.isWhiteout(node) })
  }
  for (const [name, below] of branch.branches) {
    if (entries.has(name)) continue
    entries.set(name, grow(below, `${path}/${name}`, growth))
    if (growth.linksDirectories) places.push({ path: `${path}/${name}`, home: entries, isWhiteout: false })
  }
  return Node.directory(entries, branch.metadata)
}

/** A link to a place that is there already; the link is a place to link to in turn, so that chains arise. */
const addLink = (places: Array<Place>, [to, beside, name]: readonly [number, number, string]): void => {
  const target = places[to % Math.max(places.length, 1)]
  const neighbour = places[beside % Math.max(places.length, 1)]
  if (target === undefined || neighbour === undefined || neighbour.home.has(name)) return
  neighbour.home.set(name, Node.hardLink(target.path))
  const path = neighbour.path.slice(0, neighbour.path.lastIndexOf("/") + 1) + name
  places.push({ path, home: neighbour.home, isWhiteout: target.isWhiteout })
}

const links = weighted<ReadonlyArray<readonly [to: number, beside: number, name: string]>>(
  [1, fc.constant([])],
  [1, fc.array(fc.tuple(fc.nat(), fc.nat(), name), { maxLength: 5 })]
)

/** Trees of everything that an image can hold. */
export const anyTree = (options: AnyTreeOptions = {}): fc.Arbitrary<Tree.Tree> =>
  fc.tuple(branch(2, options), links).map(
    ([seed, links]) => {
      const places: Array<Place> = []
      const root = grow(seed, "", { places, linksDirectories: options.linkedDirectories ?? false })
      const linkable = options.linkedWhiteouts === false ? places.filter(({ isWhiteout }) => !isWhiteout) : places
      for (const link of links) addLink(linkable, link)
      return { root }
    }
  )
