import * as FsVerity from "@lamina/composefs/FsVerity"
import * as Effect from "effect/Effect"
import { command } from "../command.ts"
import { Misuse } from "../failure.ts"
import type { Io } from "../io.ts"
import { printable } from "../names.ts"
import { choice, flag, text } from "../options.ts"
import * as Source from "../source.ts"
import { sourceOptions, type SourceValues } from "../sourceOptions.ts"
import { treeOf } from "../trees.ts"

export const digest = command({
  usage: "digest [OPTIONS] FILE...",
  about: `Prints the fs-verity digest of each FILE, as \`fsverity digest\` does.

What is a tree instead has the digest of the image that mkfs makes of it: a directory, dump:FILE, oci:PATH[:TAG],
docker://HOST/REPOSITORY:TAG.`,
  options: {
    "hash-alg": choice(["sha256", "sha512"], "The hash (default sha256)"),
    salt: text("HEX", "A salt of at most 32 bytes (default none; composefs has none)"),
    compact: flag("Print the digest alone"),
    json: flag("Print a JSON array"),
    ...sourceOptions
  },
  operands: { least: 1, most: 1_000_000 },
  run: Effect.fnUntraced(function*(values, files, io) {
    const using = yield* parametersOf(values["hash-alg"], values.salt)
    const digests: Array<{ readonly path: string; readonly algorithm: string; readonly digest: string }> = []
    for (const path of files) {
      const digest = yield* digestOf(path, using, values, io)
      if (values.json) digests.push({ path, algorithm: using.algorithm, digest })
      else yield* io.print(values.compact ? `${digest}\n` : `${FsVerity.format(digest)} ${printable(path)}\n`)
    }
    if (values.json) yield* io.print(`${JSON.stringify(digests, undefined, 2)}\n`)
    return 0
  })
})

const parametersOf = Effect.fnUntraced(function*(
  algorithm: FsVerity.Algorithm | undefined,
  salt: string | undefined
) {
  if (salt !== undefined && !/^(?:[0-9a-fA-F]{2})*$/.test(salt)) {
    return yield* new Misuse({ problem: `--salt: expected pairs of hex digits, got ${JSON.stringify(salt)}` })
  }
  return yield* Effect.mapError(
    Effect.fromResult(FsVerity.parameters({ algorithm, salt: Buffer.from(salt ?? "", "hex") })),
    ({ message }) => new Misuse({ problem: `--salt: ${message}` })
  )
})

const digestOf = Effect.fnUntraced(function*(
  path: string,
  using: FsVerity.Parameters,
  values: SourceValues,
  io: Io
) {
  if (path === "-") return FsVerity.digest(yield* io.input, using)
  const tree = yield* Source.treeIn(path)
  if (tree === undefined) return yield* FsVerity.digestFile(path, using)
  const Image = yield* Effect.promise(() => import("@lamina/composefs/Image"))
  return yield* Effect.fromResult(Image.digest(yield* treeOf(tree, values, io), { using }))
})
