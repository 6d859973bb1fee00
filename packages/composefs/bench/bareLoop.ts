/**
 * The digest of a file by nothing but its loop: as many threads as there are cores claim segments, read, hash. What the
 * command takes longer is what it could still win; what this takes is Node's start, the copy of the file out of the page
 * cache, and OpenSSL. `node bareLoop.js sha256 FILE`.
 */
import { hash } from "node:crypto"
import { once } from "node:events"
import { fstatSync, openSync, readSync } from "node:fs"
import { availableParallelism } from "node:os"
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads"

interface Job {
  readonly file: number
  readonly size: number
  readonly algorithm: string
  /** The next segment to claim. */
  readonly progress: SharedArrayBuffer
  readonly leaves: SharedArrayBuffer
}

const blockSize = 4096
const pieceSize = 1 << 20
const segmentSize = 4 << 20

const hashShare = ({ algorithm, file, leaves, progress, size }: Job): void => {
  const claimed = new Int32Array(progress)
  const target = Buffer.from(leaves)
  const digestSize = algorithm === "sha256" ? 32 : 64
  const piece = Buffer.allocUnsafeSlow(pieceSize)
  const blocks = cut(piece)
  const next = (): number => Atomics.add(claimed, 0, 1) * segmentSize
  for (let start = next(); start < size; start = next()) {
    for (let position = start; position < Math.min(start + segmentSize, size); position += pieceSize) {
      piece.fill(0, readSync(file, piece, 0, pieceSize, position))
      let at = position / blockSize * digestSize
      for (const block of blocks) {
        target.write(hash(algorithm, block, "binary"), at, "latin1")
        at += digestSize
      }
    }
  }
}

const cut = (bytes: Buffer): ReadonlyArray<Buffer> =>
  Array.from(
    { length: bytes.length / blockSize },
    (_, block) => bytes.subarray(block * blockSize, (block + 1) * blockSize)
  )

/** The levels above, of which the whole is a hundredth, and the descriptor (reference §1). */
const close = ({ algorithm, leaves, size }: Job): string => {
  let level = Buffer.from(new Uint8Array(leaves))
  while (level.length > blockSize) {
    const hashes = Buffer.from(cut(level).map((block) => hash(algorithm, block, "binary")).join(""), "latin1")
    level = Buffer.concat([hashes], Math.ceil(hashes.length / blockSize) * blockSize)
  }
  const descriptor = Buffer.alloc(256)
  descriptor.set([1, algorithm === "sha256" ? 1 : 2, Math.log2(blockSize)])
  descriptor.writeBigUInt64LE(BigInt(size), 8)
  descriptor.write(hash(algorithm, level, "binary"), 16, "latin1")
  return `${algorithm}:${hash(algorithm, descriptor, "hex")}`
}

if (isMainThread) {
  const [algorithm = "sha256", path = ""] = process.argv.slice(2)
  const file = openSync(path, "r")
  const { size } = fstatSync(file)
  const leavesSize = size / blockSize * (algorithm === "sha256" ? 32 : 64)
  if (leavesSize % blockSize !== 0) throw new Error(`expected whole blocks of hashes, got a file of ${size} bytes`)
  const progress = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)
  const job: Job = { file, size, algorithm, progress, leaves: new SharedArrayBuffer(leavesSize) }
  const others = Array.from(
    { length: availableParallelism() - 1 },
    () => once(new Worker(new URL(import.meta.url), { workerData: job, execArgv: [] }), "message")
  )
  hashShare(job)
  await Promise.all(others)
  console.log(close(job))
} else {
  hashShare(workerData)
  parentPort?.postMessage("done", [])
}
