/** Hashing of single blocks and of the descriptor: what every way to a digest has in common (reference §1). */
import { hash } from "node:crypto"

/**
 * The hash behind a digest; composefs images written by mkcomposefs use sha256, composefs-rs repositories either.
 *
 * @category models
 * @since 0.1.0
 */
export type Algorithm = "sha256" | "sha512"

/**
 * What a digest depends on besides the bytes. The block size is always 4096 bytes.
 *
 * @category models
 * @since 0.1.0
 */
export interface Parameters {
  readonly algorithm: Algorithm
  /** At most 32 bytes; empty for no salt. composefs never salts. */
  readonly salt: Uint8Array
}

/**
 * The block size of every digest, in bytes.
 *
 * @category constants
 * @since 0.1.0
 */
export const blockSize = 4096

/**
 * The longest salt that fits an fs-verity descriptor, in bytes.
 *
 * @category constants
 * @since 0.1.0
 */
export const maxSaltSize = 32

/**
 * SHA-256 without salt: the default of this module and the only choice of mkcomposefs.
 *
 * @category constants
 * @since 0.1.0
 */
export const sha256: Parameters = { algorithm: "sha256", salt: new Uint8Array(0) }

/**
 * SHA-512 without salt.
 *
 * @category constants
 * @since 0.1.0
 */
export const sha512: Parameters = { algorithm: "sha512", salt: new Uint8Array(0) }

export const digestSizeOf = (algorithm: Algorithm): number => algorithm === "sha256" ? 32 : 64

/** Writes the hash of a whole block at `at`. */
export type BlockHash = (block: Uint8Array, target: Buffer, at: number) => void

/**
 * Hashes blocks after the salt, which is zero-padded to the hash's own block so that its state could be reused.
 *
 * The digest travels as a string of bytes: a Buffer would cost an ArrayBuffer per block, half as much as the hash itself.
 */
export const blockHash = ({ algorithm, salt }: Parameters): BlockHash => {
  if (salt.length === 0) return algorithm === "sha256" ? plainSha256 : plainSha512
  if (salt.length > maxSaltSize) throw new RangeError(`salt: at most ${maxSaltSize} bytes`)
  const digestSize = digestSizeOf(algorithm)
  const saltSize = 2 * digestSize
  const salted = Buffer.alloc(saltSize + blockSize)
  salted.set(salt)
  return (block, target, at) => {
    salted.set(block, saltSize)
    target.write(hash(algorithm, salted, "binary"), at, digestSize, "latin1")
  }
}

const plainSha256: BlockHash = (block, target, at) => {
  target.write(hash("sha256", block, "binary"), at, 32, "latin1")
}

const plainSha512: BlockHash = (block, target, at) => {
  target.write(hash("sha512", block, "binary"), at, 64, "latin1")
}

/** Hashes each block of a level into the level above; both begin where their views do. */
export const hashLevel = (hashBlock: BlockHash, level: Buffer, above: Buffer, digestSize: number): void => {
  for (let from = 0, to = 0; from < level.length; from += blockSize, to += digestSize) {
    hashBlock(level.subarray(from, from + blockSize), above, to)
  }
}

/** struct fsverity_descriptor, 256 bytes: the size is in it, so zero padding of the last block is unambiguous. */
export const descriptor = (using: Parameters, size: number, root: Uint8Array): Buffer => {
  const bytes = Buffer.alloc(descriptorSize)
  writeDescriptor(bytes, using, size, root)
  return bytes
}

export const descriptorSize = 256

export const descriptorDigest = (using: Parameters, size: number, root: Uint8Array): string => {
  writeDescriptor(scratch ??= Buffer.alloc(descriptorSize), using, size, root)
  return hash(using.algorithm, scratch, "hex")
}

/** One for all, because a tree of small files spends as much on new buffers as on hashes. */
let scratch: Buffer | undefined

const writeDescriptor = (target: Buffer, { algorithm, salt }: Parameters, size: number, root: Uint8Array): void => {
  target.fill(0)
  target[0] = 1
  target[1] = algorithm === "sha256" ? 1 : 2
  target[2] = Math.log2(blockSize)
  target[3] = salt.length
  target.writeUInt32LE(size % 2 ** 32, 8)
  target.writeUInt32LE(Math.floor(size / 2 ** 32), 12)
  target.set(root, 16)
  target.set(salt, 80)
}
