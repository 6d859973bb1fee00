/** Damaged Merkle trees and descriptors: nothing but the very tree of a digest is taken, and no range of wrong bytes. */
import { FsVerity } from "@lamina/composefs"
import * as Result from "effect/Result"
import { type Field, makeSeed, mutate } from "../mutate.ts"
import { BrokenPromise, type Outcome, type Target } from "./target.ts"

const { MerkleTree } = FsVerity
const descriptorSize = 256

const salted = Result.getOrThrow(FsVerity.parameters({ algorithm: "sha256", salt: Buffer.from("salt") }))
const dataOf = (size: number): Buffer => Buffer.from(Uint8Array.from({ length: size }, (_, at) => (at * 31) >> 3))

/** Data of no block, of one, of several, and of more than a block of hashes. */
const trees = [
  MerkleTree.make(dataOf(0)),
  MerkleTree.make(dataOf(100)),
  MerkleTree.make(dataOf(5 * 4096 + 1), FsVerity.sha512),
  MerkleTree.make(dataOf(3 * 4096), salted),
  MerkleTree.make(dataOf(130 * 4096))
]

const data = dataOf(5 * 4096 + 1)
const known = MerkleTree.make(data)

/** Version, algorithm, block size, salt's size; reserved; data size; root; salt; reserved. */
const fields: ReadonlyArray<Field> = [
  ...[0, 1, 2, 3].map((at): Field => ({ at, size: 1 })),
  { at: 4, size: 4 },
  { at: 8, size: 8 },
  ...[16, 47, 48, 79, 80, 83, 84, 111, 112, 255].map((at): Field => ({ at, size: 1 }))
]

export const merkleTarget = (): Target => {
  const seeds = trees.map((tree) => makeSeed(Buffer.concat([tree.descriptor, tree.bytes]), fields))
  const first = makeSeed(Buffer.concat([known.descriptor, known.bytes]), fields)
  return {
    name: "Merkle trees",
    make: (random) => {
      // Half of the cases keep the descriptor, so that the tree is looked at.
      const seed = random.oneOf(seeds, first)
      const bytes = mutate(seed, seeds, random)
      if (random.onceIn(2)) seed.bytes.copy(bytes, 0, 0, descriptorSize)
      return bytes
    },
    read
  }
}

const read = (bytes: Uint8Array): Outcome => {
  checkData(bytes)
  const parts = { descriptor: bytes.subarray(0, descriptorSize), tree: bytes.subarray(descriptorSize) }
  const original = trees.find(({ descriptor }) => isSame(descriptor, parts.descriptor))
  const decoded = trees.map(({ digest }) => MerkleTree.decode(parts, digest)).find(Result.isSuccess)
  const isWhole = original !== undefined && isSame(original.bytes, parts.tree)
  if ((decoded !== undefined) !== isWhole) {
    throw new BrokenPromise(`${isWhole ? "the tree" : "another tree"} of a digest`)
  }
  return isWhole ? "accepted" : "refused"
}

/** The same damage as that of the data: whatever differs is refused. */
const checkData = (bytes: Uint8Array): void => {
  const damaged = Buffer.from(data)
  const block = ((bytes[0] ?? 0) % 5) * 4096
  damaged.set(bytes.subarray(0, 4096), block)
  const verified = MerkleTree.verifyRange(known, block, damaged.subarray(block, block + 4096))
  const isOriginal = isSame(damaged, data)
  if (Result.isSuccess(verified) !== isOriginal) throw new BrokenPromise("a range of other bytes is verified")
}

const isSame = (left: Uint8Array, right: Uint8Array): boolean => Buffer.compare(left, right) === 0
