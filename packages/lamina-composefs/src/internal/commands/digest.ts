import * as FsVerity from "@lamina/composefs/FsVerity"
import * as Effect from "effect/Effect"
import { command } from "../command.ts"
import { Misuse } from "../failure.ts"
import { writeFile } from "../files.ts"
import type { Io } from "../io.ts"
import { printable, toPath } from "../names.ts"
import { flag, text } from "../options.ts"
import * as Source from "../source.ts"
import { sourceOptions, type SourceValues } from "../sourceOptions.ts"
import { contentOf, digestOfFile, named } from "../verity.ts"
import { algorithmOption, parametersOf, saltOption } from "../verityOptions.ts"

export const digest = command({
  usage: "digest [OPTIONS] FILE...",
  about: `Prints the fs-verity digest of each FILE, as \`fsverity digest\` does.

What is a tree instead has the digest of the image that mkfs makes of it: a directory, dump:FILE, oci:PATH[:TAG],
docker://HOST/REPOSITORY:TAG.`,
  options: {
    "hash-alg": algorithmOption,
    salt: saltOption,
    compact: flag("Print the digest alone"),
    json: flag("Print a JSON array"),
    "out-merkle-tree": text("PATH", "Write the Merkle tree of the one FILE to this file"),
    "out-descriptor": text("PATH", "Write the fs-verity descriptor of the one FILE to this file"),
    ...sourceOptions
  },
  operands: { least: 1, most: 1_000_000 },
  run: Effect.fnUntraced(function*(values, files, io) {
    const using = yield* parametersOf(values["hash-alg"], values.salt)
    const outputs = { tree: values["out-merkle-tree"], descriptor: values["out-descriptor"] }
    const writes = outputs.tree !== undefined || outputs.descriptor !== undefined
    if (writes && files.length > 1) {
      return yield* new Misuse({ problem: "--out-merkle-tree and --out-descriptor are for one FILE" })
    }
    const digests: Array<{ readonly path: string; readonly algorithm: string; readonly digest: string }> = []
    for (const path of files) {
      const digest = writes
        ? yield* writeTree(path, using, values.threads, outputs, io)
        : yield* digestOf(path, using, values, io)
      if (values.json) digests.push({ path, algorithm: using.algorithm, digest })
      else yield* io.print(values.compact ? `${digest}\n` : `${FsVerity.format(digest)} ${printable(path)}\n`)
    }
    if (values.json) yield* io.print(`${JSON.stringify(digests, undefined, 2)}\n`)
    return 0
  })
})

const digestOf = Effect.fnUntraced(function*(
  path: string,
  using: FsVerity.Parameters,
  values: SourceValues,
  io: Io
) {
  const tree = path === "-" ? undefined : yield* Source.treeIn(path)
  if (tree === undefined) return yield* digestOfFile(path, using, values.threads, io)
  const { imageOf } = yield* Effect.promise(() => import("../image.ts"))
  return FsVerity.digest(yield* imageOf(tree, values, io), using)
})

const writeTree = Effect.fnUntraced(function*(
  path: string,
  using: FsVerity.Parameters,
  threads: number | undefined,
  outputs: { readonly tree: string | undefined; readonly descriptor: string | undefined },
  io: Io
) {
  const MerkleTree = yield* Effect.promise(() => import("@lamina/composefs/MerkleTree"))
  const content = yield* contentOf(path, io)
  const tree = yield* content === undefined
    ? named(path, MerkleTree.fromFile(toPath(path), using, { threads }))
    : MerkleTree.fromStream(content, using)
  if (outputs.tree !== undefined) yield* writeFile(outputs.tree, tree.bytes)
  if (outputs.descriptor !== undefined) yield* writeFile(outputs.descriptor, tree.descriptor)
  return tree.digest
})
