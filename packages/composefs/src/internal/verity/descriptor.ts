/** Reads struct fsverity_descriptor, as FS_IOC_READ_VERITY_METADATA and `fsverity --out-descriptor` give it (reference §1). */
import * as Result from "effect/Result"
import { blockSize, descriptorSize, digestSizeOf, maxSaltSize, type Parameters } from "./blockHash.ts"
import { FsVerityError } from "./fsVerityError.ts"

export interface Descriptor {
  readonly using: Parameters
  readonly dataSize: number
  readonly root: Uint8Array
}

export const readDescriptor = (bytes: Uint8Array): Result.Result<Descriptor, FsVerityError> => {
  if (bytes.length !== descriptorSize) return invalid(`expected ${descriptorSize} bytes, got ${bytes.length}`)
  const fields = Buffer.from(bytes)
  const [version, algorithmId, logBlockSize, saltSize = 0] = fields
  if (version !== 1) return invalid(`expected version 1, got ${version}`)
  const algorithm = algorithmId === 1 ? "sha256" : algorithmId === 2 ? "sha512" : undefined
  if (algorithm === undefined) return invalid(`expected hash algorithm 1 (sha256) or 2 (sha512), got ${algorithmId}`)
  if (logBlockSize !== Math.log2(blockSize)) {
    return invalid(`expected blocks of 2^12 bytes, the only ones read here, got 2^${logBlockSize}`)
  }
  if (saltSize > maxSaltSize) return invalid(`expected a salt of at most ${maxSaltSize} bytes, got ${saltSize}`)
  const dataSize = fields.readBigUInt64LE(8)
  if (dataSize > BigInt(Number.MAX_SAFE_INTEGER)) return invalid(`data of ${dataSize} bytes is more than any file has`)
  const digestSize = digestSizeOf(algorithm)
  const reserved = [fields.subarray(4, 8), fields.subarray(16 + digestSize, 80), fields.subarray(80 + saltSize)]
  if (reserved.some((zeros) => zeros.some((byte) => byte !== 0))) return invalid("expected zeros in unused bytes")
  const root = fields.subarray(16, 16 + digestSize)
  if (dataSize === 0n && root.some((byte) => byte !== 0)) return invalid("expected zeros as root hash of no data")
  return Result.succeed({
    using: { algorithm, salt: Uint8Array.from(fields.subarray(80, 80 + saltSize)) },
    dataSize: Number(dataSize),
    root
  })
}

const invalid = (problem: string): Result.Result<never, FsVerityError> =>
  Result.fail(new FsVerityError({ reason: { _tag: "InvalidDescriptor", problem } }))
