import * as FsVerity from "@lamina/composefs/FsVerity"
import * as MerkleTree from "@lamina/composefs/MerkleTree"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { createReadStream } from "node:fs"
import { command } from "../command.ts"
import { exitCodes, type Failure, Misuse, systemProblem, Unusable } from "../failure.ts"
import { readFile } from "../input.ts"
import type { Io } from "../io.ts"
import { printable, toPath } from "../names.ts"
import { integer, text } from "../options.ts"
import { sourceOptions } from "../sourceOptions.ts"
import { contentOf, digestOfFile } from "../verity.ts"
import { digestOf, parametersOf, saltOption } from "../verityOptions.ts"

const bytes = { least: 0, most: Number.MAX_SAFE_INTEGER }

export const verify = command({
  usage: "verify [OPTIONS] FILE DIGEST",
  about:
    `Confirms that FILE has the fs-verity digest DIGEST: 64 or 128 hex digits, with or without "sha256:" or "sha512:" before
them. Ends with 1 if it has another.

With the Merkle tree and the descriptor that \`digest\` (or \`fsverity digest\`) wrote, the first wrong block is told, and a
part of FILE can be confirmed without reading the rest. Neither has to be trusted: they are compared with DIGEST.`,
  options: {
    salt: saltOption,
    threads: sourceOptions.threads,
    "merkle-tree": text("PATH", "The Merkle tree of the file, as --out-merkle-tree wrote it"),
    descriptor: text("PATH", "The descriptor of the file, as --out-descriptor wrote it"),
    offset: integer("BYTES", "With a tree: begin here (default 0)", bytes),
    length: integer("BYTES", "With a tree: confirm only so many bytes (default all)", bytes)
  },
  operands: { least: 2, most: 2 },
  run: Effect.fnUntraced(function*(values, [path = "", text = ""], io) {
    const expected = yield* digestOf(text, { other: path, usage: "FILE DIGEST" })
    const { descriptor, length, "merkle-tree": tree, offset } = values
    const isPart = offset !== undefined || length !== undefined
    if ((tree === undefined) !== (descriptor === undefined) || (isPart && tree === undefined)) {
      return yield* new Misuse({ problem: "expected --merkle-tree and --descriptor, or neither and no part" })
    }
    const check = tree === undefined || descriptor === undefined
      ? checkWhole(path, expected.hex, yield* parametersOf(expected.algorithm, values.salt), values.threads, io)
      : checkBlocks(path, expected.hex, { tree, descriptor }, { offset, length }, io)
    const refusal = yield* Effect.catchIf(Effect.as(check, undefined), isRefusal, Effect.succeed)
    const name = printable(path)
    if (refusal === undefined) {
      yield* io.print(`${name}: confirmed\n`)
      return exitCodes.ok
    }
    io.tell(`${name}: ${printable(refusal.message)}\n`)
    return exitCodes.different
  })
})

/** What was read is not what the digest stands for. Everything else is a file that cannot be read, or nonsense. */
const isRefusal = (error: Failure): error is FsVerity.FsVerityError =>
  error instanceof FsVerity.FsVerityError && refusals.has(error.reason._tag)

const refusals: ReadonlySet<string> = new Set(["Mismatch", "WrongBlock", "WrongSize"])

const checkWhole = Effect.fnUntraced(function*(
  path: string,
  expected: string,
  using: FsVerity.Parameters,
  threads: number | undefined,
  io: Io
): Effect.fn.Return<void, Failure> {
  const actual = yield* digestOfFile(path, using, threads, io)
  if (actual === expected) return
  return yield* new FsVerity.FsVerityError({
    reason: { _tag: "Mismatch", expected: FsVerity.format(expected), actual: FsVerity.format(actual) }
  })
})

const checkBlocks = Effect.fnUntraced(function*(
  path: string,
  expected: string,
  files: { readonly tree: string; readonly descriptor: string },
  part: { readonly offset: number | undefined; readonly length: number | undefined },
  io: Io
): Effect.fn.Return<void, Failure> {
  const descriptor = yield* readFile(files.descriptor)
  const tree = yield* Effect.fromResult(MerkleTree.decode({ descriptor, tree: yield* readFile(files.tree) }, expected))
  const offset = part.offset ?? 0
  if (offset > tree.dataSize) {
    return yield* new Misuse({ problem: `--offset: expected at most ${tree.dataSize}, got ${offset}` })
  }
  const length = part.length ?? tree.dataSize - offset
  if (offset + length > tree.dataSize) {
    return yield* new Misuse({ problem: `--length: expected at most ${tree.dataSize - offset}, got ${length}` })
  }
  const blocks = yield* Effect.fromResult(MerkleTree.blocksAround(tree, { offset, length }))
  const content = yield* contentOf(path, io)
  if (content !== undefined && blocks.length !== tree.dataSize) {
    return yield* new Misuse({ problem: "--offset and --length need a file in which any place can be read" })
  }
  const bytes = content ?? bytesOf(path, blocks, tree.dataSize)
  yield* Stream.runDrain(MerkleTree.verifyStream(bytes, tree, blocks))
})

/** The blocks of a file; at its end also what there is more than there should be. */
const bytesOf = (path: string, { length, offset }: MerkleTree.Range, dataSize: number) => {
  const end = offset + length
  const last = end === dataSize ? end : end - 1
  return last < offset ? Stream.empty : Stream.suspend(() =>
    Stream.fromAsyncIterable<Uint8Array, Unusable>(
      createReadStream(toPath(path), { start: offset, end: last, highWaterMark: 1 << 20 }),
      (cause) => new Unusable({ subject: path, problem: systemProblem(cause) })
    )
  )
}
