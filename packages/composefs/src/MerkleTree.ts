/**
 * Merkle trees of fs-verity as objects: with the tree of a file, any part of the file is verified by itself.
 *
 * The bytes of a tree are laid out as the kernel gives them (FS_IOC_READ_VERITY_METADATA) and as `fsverity digest
 * --out-merkle-tree` writes them: level by level from the top down, each filled with zeros to a whole block. A tree takes
 * 1/127 of its data with SHA-256, 1/63 with SHA-512.
 *
 * Source: docs.kernel.org/filesystems/fsverity.html.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import {
  blockHash,
  blockSize,
  descriptor,
  descriptorDigest,
  digestSizeOf,
  hashLevel,
  type Parameters,
  sha256
} from "./internal/verity/blockHash.ts"
import { BlockVerifier, type Leaves } from "./internal/verity/blockVerifier.ts"
import { readDescriptor } from "./internal/verity/descriptor.ts"
import { compareDigests } from "./internal/verity/digestText.ts"
import { treeOfFile } from "./internal/verity/file.ts"
import { FsVerityError } from "./internal/verity/fsVerityError.ts"
import { type FinishedTree, TreeCollector } from "./internal/verity/treeCollector.ts"
import { treeShape } from "./internal/verity/treeShape.ts"

/**
 * The tree of some data. What it was made from, or the digest it was checked against, is what it can be trusted for.
 *
 * @category models
 * @since 0.1.0
 */
export interface MerkleTree {
  readonly using: Parameters
  /** The size of the data in bytes. */
  readonly dataSize: number
  /** The fs-verity digest as lower-case hex, as `FsVerity.digest` gives it for the data. */
  readonly digest: string
  /** The hash of the top block as lower-case hex; zeros for no data. */
  readonly rootHash: string
  /** From the hashes of the data blocks up to the block under the root; none for data of at most one block. */
  readonly levels: ReadonlyArray<Level>
  /** The whole tree, the top level first; the levels are views of it. Not to be written to. */
  readonly bytes: Uint8Array
  /** struct fsverity_descriptor, 256 bytes, whose hash is the digest. Not to be written to. */
  readonly descriptor: Uint8Array
}

/**
 * One level of a tree.
 *
 * @category models
 * @since 0.1.0
 */
export interface Level {
  /** How many hashes it has. */
  readonly count: number
  /** The hashes, and zeros up to a whole block. */
  readonly bytes: Uint8Array
}

/**
 * Part of the data, in bytes.
 *
 * @category models
 * @since 0.1.0
 */
export interface Range {
  readonly offset: number
  readonly length: number
}

/**
 * What bounds the building of a tree.
 *
 * @category models
 * @since 0.1.0
 */
export interface BuildOptions {
  /** The most bytes that the tree may have; twice as many may be held for a moment. Default 1 GiB. */
  readonly maxTreeSize?: number | undefined
}

/**
 * How the tree of a file is built.
 *
 * @category models
 * @since 0.1.0
 */
export interface FileOptions extends BuildOptions {
  /** How many threads hash, as in `FsVerity.digestFile`. */
  readonly threads?: number | undefined
}

const defaultMaxTreeSize = 2 ** 30

/**
 * The tree of bytes in memory.
 *
 * **Example**
 *
 * ```ts
 * import { FsVerity } from "@lamina/composefs"
 *
 * const data = new Uint8Array(1_000_000)
 * const tree = FsVerity.MerkleTree.make(data)
 * tree.digest === FsVerity.digest(data) // => true
 * tree.levels.map(({ count }) => count) // => [245, 2]
 * FsVerity.MerkleTree.verifyRange(tree, 8192, data.subarray(8192, 16384)) // => a success
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (bytes: Uint8Array, using: Parameters = sha256): MerkleTree => {
  const collector = new TreeCollector(using)
  collector.add(bytes)
  return finished(using, collector.finish())
}

/**
 * The tree of a stream whose chunks may have any size; fails as soon as the tree would be too large.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromStream = <E, R>(
  stream: Stream.Stream<Uint8Array, E, R>,
  using: Parameters = sha256,
  { maxTreeSize = defaultMaxTreeSize }: BuildOptions = {}
): Effect.Effect<MerkleTree, E | FsVerityError, R> =>
  Effect.suspend(() => {
    const collector = new TreeCollector(using)
    return Effect.map(
      Stream.runForEach(stream, (chunk) => Effect.fromResult(collector.addUpTo(chunk, maxTreeSize))),
      () => finished(using, collector.finish())
    )
  })

/**
 * The tree of a file; that of a large one is built on all cores. A file that is written to meanwhile is refused, and so is
 * a pipe.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromFile = (
  path: string | Buffer,
  using: Parameters = sha256,
  { maxTreeSize = defaultMaxTreeSize, threads }: FileOptions = {}
): Effect.Effect<MerkleTree, FsVerityError> =>
  Effect.map(treeOfFile(path, using, { threads, maxTreeSize }), (tree) => finished(using, tree))

/**
 * Reads a tree that came from elsewhere, and trusts it only after it has shown that it belongs to a digest: the
 * descriptor is hashed, sizes are compared before anything is copied, every block of every level is hashed, and what
 * should be zero is.
 *
 * @category verification
 * @since 0.1.0
 */
export const decode = (
  parts: { readonly descriptor: Uint8Array; readonly tree: Uint8Array },
  digest: string
): Result.Result<MerkleTree, FsVerityError> =>
  Result.flatMap(readDescriptor(parts.descriptor), ({ dataSize, root, using }) => {
    const { size } = treeShape(dataSize, root.length)
    return Result.flatMap(
      compareDigests(digest, descriptorDigest(using, dataSize, root), using),
      () =>
        parts.tree.length === size
          ? checkLevels(finished(using, { dataSize, root, tree: Buffer.from(parts.tree) }))
          : invalidTree(`expected ${size} bytes for data of ${dataSize} bytes, got ${parts.tree.length}`)
    )
  })

/**
 * The smallest range of whole blocks around a range, which is what verification of the latter needs to read.
 *
 * @category verification
 * @since 0.1.0
 */
export const blocksAround = ({ dataSize }: MerkleTree, range: Range): Result.Result<Range, FsVerityError> => {
  const { length, offset } = range
  const end = offset + length
  if (![offset, length, end].every((value) => Number.isSafeInteger(value) && value >= 0)) {
    return invalidRange(range, "expected whole numbers of bytes, not negative")
  }
  if (end > dataSize) return invalidRange(range, `the data ends at ${dataSize}`)
  const start = offset - offset % blockSize
  return Result.succeed({ offset: start, length: Math.min(Math.ceil(end / blockSize) * blockSize, dataSize) - start })
}

/**
 * Verifies bytes that begin at an offset of the data. They must be whole blocks (see {@link blocksAround}): begin at a
 * multiple of 4096, and end at one or with the data. The error names the first wrong block.
 *
 * @category verification
 * @since 0.1.0
 */
export const verifyRange = (
  tree: MerkleTree,
  offset: number,
  bytes: Uint8Array
): Result.Result<void, FsVerityError> =>
  Result.flatMap(wholeBlocks(tree, { offset, length: bytes.length }), ({ length, offset }) => {
    const { error } = new BlockVerifier(leavesOf(tree), offset, offset + length).accept(bytes)
    return error === undefined ? Result.succeed(undefined) : Result.fail(error)
  })

/**
 * Reads any range of the data, verified: `read` is asked for whole blocks around it, from a file or over a network.
 *
 * @category verification
 * @since 0.1.0
 */
export const readRange = Effect.fnUntraced(function*<E, R>(
  tree: MerkleTree,
  range: Range,
  read: (blocks: Range) => Effect.Effect<Uint8Array, E, R>
) {
  const blocks = yield* Effect.fromResult(blocksAround(tree, range))
  const bytes = yield* read(blocks)
  if (bytes.length !== blocks.length) {
    return yield* new FsVerityError({
      reason: { _tag: "WrongSize", expected: blocks.length, actual: bytes.length }
    })
  }
  yield* Effect.fromResult(verifyRange(tree, blocks.offset, bytes))
  const start = range.offset - blocks.offset
  return bytes.subarray(start, start + range.length)
})

/**
 * Passes on the bytes of a stream that belong to the tree, block after block, and fails at the first wrong one before
 * any byte of it. Bytes after the end of the data are refused as well, missing ones when the stream ends.
 *
 * A stream of a part says with `range`, in whole blocks, which one; default: all of the data. Chunks may have any size.
 *
 * @category verification
 * @since 0.1.0
 */
export const verifyStream = <E, R>(
  stream: Stream.Stream<Uint8Array, E, R>,
  tree: MerkleTree,
  range: Range = { offset: 0, length: tree.dataSize }
): Stream.Stream<Uint8Array, E | FsVerityError, R> =>
  Stream.unwrap(Effect.map(Effect.fromResult(wholeBlocks(tree, range)), ({ length, offset }) => {
    const verifier = new BlockVerifier(leavesOf(tree), offset, offset + length)
    const verified = Stream.flatMap(stream, (chunk) => {
      const { bytes, error } = verifier.accept(chunk)
      const passed = Stream.fromIterable(bytes)
      return error === undefined ? passed : Stream.concat(passed, Stream.fail(error))
    })
    return Stream.concat(verified, Stream.suspend(() => failWith(verifier.finish())))
  }))

const failWith = (error: FsVerityError | undefined): Stream.Stream<never, FsVerityError> =>
  error === undefined ? Stream.empty : Stream.fail(error)

const finished = (using: Parameters, { dataSize, root, tree }: FinishedTree): MerkleTree => ({
  using,
  dataSize,
  digest: descriptorDigest(using, dataSize, root),
  rootHash: Buffer.from(root).toString("hex"),
  levels: treeShape(dataSize, root.length).levels.map(({ count, offset, size }) => ({
    count,
    bytes: tree.subarray(offset, offset + size)
  })),
  bytes: tree,
  descriptor: descriptor(using, dataSize, root)
})

/** Hashes every level, and compares all of the level above with the result: what fills its last block is compared too. */
const checkLevels = (tree: MerkleTree): Result.Result<MerkleTree, FsVerityError> => {
  const { levels, rootHash, using } = tree
  const digestSize = digestSizeOf(using.algorithm)
  const hashBlock = blockHash(using)
  for (const [depth, { bytes, count }] of levels.entries()) {
    const above = levels[depth + 1]?.bytes ?? Buffer.from(rootHash, "hex")
    const expected = Buffer.alloc(above.length)
    hashLevel(hashBlock, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), expected, digestSize)
    const wrong = expected.findIndex((byte, at) => byte !== above[at])
    if (wrong !== -1) {
      const block = Math.floor(wrong / digestSize)
      return invalidTree(`level ${depth}, block ${block}: its hash is not the one in the level above`)
    }
    if (depth === 0 && bytes.subarray(count * digestSize).some((byte) => byte !== 0)) {
      return invalidTree("level 0: expected zeros after the last hash")
    }
  }
  return Result.succeed(tree)
}

/** The hash of a single block is the root itself: the tree has no level to look it up in. */
const leavesOf = ({ levels, rootHash, using }: MerkleTree): Leaves => ({
  using,
  hashes: levels[0]?.bytes ?? Buffer.from(rootHash, "hex")
})

const wholeBlocks = (tree: MerkleTree, range: Range): Result.Result<Range, FsVerityError> =>
  Result.flatMap(blocksAround(tree, range), (blocks) =>
    blocks.offset === range.offset && blocks.length === range.length
      ? Result.succeed(range)
      : invalidRange(
        range,
        `expected whole blocks of ${blockSize} bytes, here ${blocks.offset} to ${blocks.offset + blocks.length}`
      ))

const invalidRange = ({ length, offset }: Range, problem: string): Result.Result<never, FsVerityError> =>
  Result.fail(
    new FsVerityError({ reason: { _tag: "InvalidRange", range: `bytes ${offset} to ${offset + length}`, problem } })
  )

const invalidTree = (problem: string): Result.Result<never, FsVerityError> =>
  Result.fail(new FsVerityError({ reason: { _tag: "InvalidTree", problem } }))
