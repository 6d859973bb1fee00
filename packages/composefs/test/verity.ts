/** What the tests of fs-verity have in common: data, parameters and the definition. */
import { FsVerity } from "@lamina/composefs"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { createHash } from "node:crypto"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

export const utf8 = (text: string) => new TextEncoder().encode(text)

/** Data whose blocks differ. */
export const pattern = (size: number): Uint8Array => {
  const bytes = Buffer.alloc(size)
  for (let at = 0; at < size; at++) bytes[at] = at * 7 + (at >> 12)
  return bytes
}

/** Sizes around every border: block, tree block of either algorithm, second tree block. */
export const sizes = [
  0,
  1,
  ...[1, 2, 64, 128, 129].flatMap((blocks) => [blocks * 4096 - 1, blocks * 4096, blocks * 4096 + 1])
]

export const salted = (algorithm: FsVerity.Algorithm, salt: Uint8Array): FsVerity.Parameters =>
  Result.getOrThrow(FsVerity.parameters({ algorithm, salt }))

export const everyParameters: ReadonlyArray<FsVerity.Parameters> = [
  FsVerity.sha256,
  FsVerity.sha512,
  salted("sha256", utf8("s")),
  salted("sha512", new Uint8Array(32).fill(7))
]

/** The tree and the digest by definition, level by level, with no regard for speed. */
export const byDefinition = (data: Uint8Array, { algorithm, salt }: FsVerity.Parameters) => {
  const hash = (bytes: Uint8Array) => createHash(algorithm).update(bytes).digest()
  const saltSize = salt.length === 0 ? 0 : algorithm === "sha256" ? 64 : 128
  const padded = (bytes: Uint8Array, size: number) => Buffer.concat([bytes], size)
  const hashes = (bytes: Uint8Array): Buffer => {
    const digests: Array<Buffer> = []
    for (let at = 0; at < bytes.length; at += 4096) {
      digests.push(hash(Buffer.concat([padded(salt, saltSize), padded(bytes.subarray(at, at + 4096), 4096)])))
    }
    return Buffer.concat(digests)
  }
  const digestSize = algorithm === "sha256" ? 32 : 64
  let root = data.length === 0 ? Buffer.alloc(digestSize) : hashes(data)
  let tree = Buffer.alloc(0)
  while (root.length > digestSize) {
    tree = Buffer.concat([padded(root, Math.ceil(root.length / 4096) * 4096), tree])
    root = hashes(root)
  }
  const descriptor = Buffer.alloc(256)
  descriptor.set([1, algorithm === "sha256" ? 1 : 2, 12, salt.length])
  descriptor.writeBigUInt64LE(BigInt(data.length), 8)
  descriptor.set(root, 16)
  descriptor.set(salt, 80)
  return { digest: hash(descriptor).toString("hex"), descriptor, tree }
}

/** A directory of its own for one test. */
export const temporaryDirectory = Effect.map(
  Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "lamina-fsverity-"))),
    (directory) => Effect.sync(() => rmSync(directory, { recursive: true }))
  ),
  (directory) => (name: string) => join(directory, name)
)
