import * as FsVerity from "@lamina/composefs/FsVerity"
import * as Image from "@lamina/composefs/Image"
import type * as ObjectStore from "@lamina/composefs/ObjectStore"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { existsSync } from "node:fs"
import { command } from "../command.ts"
import { Misuse } from "../failure.ts"
import { existingDirectory, writeFile } from "../files.ts"
import { imageOf } from "../image.ts"
import type { Io } from "../io.ts"
import { choice, flag, text } from "../options.ts"
import * as Source from "../source.ts"
import { sourceOptions } from "../sourceOptions.ts"

export const mkfs = command({
  usage: "mkfs [OPTIONS] SOURCE IMAGE",
  about: `Writes the composefs image of SOURCE to the file IMAGE, byte for byte as mkcomposefs does. Both may be "-".`,
  options: {
    "digest-store": text("PATH", "Store content files in this directory"),
    durability: choice(
      ["none", "end", "file"],
      "When stored files are forced to the disk: never, all at the end (the default), or each"
    ),
    ...sourceOptions,
    "print-digest": flag("Print the digest of the image"),
    "print-digest-only": flag("Print the digest of the image, don't write it; IMAGE is left out"),
    json: flag("Print digest, size and format version of the image as JSON"),
    "format-version": choice(
      ["0", "1", "2"],
      "Use exactly this format version; 2 is the legacy layout of composefs-rs"
    ),
    "from-file": flag("The source is a dump file, not a directory"),
    strict: flag("Of a dump, refuse what mkcomposefs refuses when CFS_PARSE_STRICT is set"),
    "min-version": choice(["0", "1"], "Use this format version at least (default 0)"),
    "max-version": choice(["0", "1"], "Use this format version at most (default 1)")
  },
  operands: { least: 1, most: 2 },
  run: Effect.fnUntraced(function*(values, [sourceText = "", target], io) {
    const onlyDigest = values["print-digest-only"]
    const printsDigest = onlyDigest || values["print-digest"] || values.json
    const writeOptions = yield* versions(values)
    yield* checkTarget(target, onlyDigest, printsDigest, io)
    const source = yield* openSource(sourceText, values["from-file"], io)
    const store = values["digest-store"]
    if (store !== undefined && (source.kind === "image" || source.kind === "dump")) {
      return yield* new Misuse({ problem: "--digest-store needs a SOURCE with contents: a directory or an OCI image" })
    }
    const objects = store === undefined ? undefined : yield* openStore(store, values.durability ?? "end")
    const image = yield* imageOf(source, values, io, { ...writeOptions, strict: values.strict }, objects)
    if (objects !== undefined) yield* objects.flush
    if (target === "-") yield* io.print(image)
    else if (target !== undefined) yield* writeFile(target, image)
    if (printsDigest) yield* io.print(values.json ? describe(image) : `${FsVerity.digest(image)}\n`)
    return 0
  })
})

const numbers = { "0": 0, "1": 1, "2": 2 } as const

const versions = (values: {
  readonly "format-version": "0" | "1" | "2" | undefined
  readonly "min-version": "0" | "1" | undefined
  readonly "max-version": "0" | "1" | undefined
}): Effect.Effect<Image.WriteOptions, Misuse> => {
  const { "format-version": exactly, "max-version": highest, "min-version": lowest } = values
  if (exactly === undefined) {
    return Effect.succeed({
      minVersion: lowest === undefined ? undefined : numbers[lowest],
      maxVersion: highest === undefined ? undefined : numbers[highest]
    })
  }
  return highest === undefined && lowest === undefined
    ? Effect.succeed({ version: numbers[exactly] })
    : Effect.fail(new Misuse({ problem: "--format-version excludes --min-version and --max-version" }))
}

const checkTarget = (
  target: string | undefined,
  onlyDigest: boolean,
  printsDigest: boolean,
  io: Io
): Effect.Effect<void, Misuse> => {
  const problem = onlyDigest && target !== undefined
    ? "--print-digest-only writes no image: leave IMAGE out"
    : !onlyDigest && target === undefined
    ? "expected IMAGE, the file to write"
    : target === "-" && io.outputIsTerminal
    ? "an image is nothing for a terminal: redirect the output"
    : target === "-" && printsDigest
    ? "the digest would get into the image on the standard output: write it to a file"
    : undefined
  return problem === undefined ? Effect.void : Effect.fail(new Misuse({ problem }))
}

const openStore = Effect.fnUntraced(function*(directory: string, durability: ObjectStore.Durability) {
  const ObjectStore = yield* Effect.promise(() => import("@lamina/composefs/ObjectStore"))
  if (existsSync(directory)) yield* existingDirectory(directory)
  return yield* ObjectStore.open({ directory, durability })
})

const openSource = (
  text: string,
  fromFile: boolean,
  io: Io
): Effect.Effect<Source.Source, Source.SourceFailure> =>
  fromFile ? Effect.succeed({ kind: "dump", path: text, content: undefined }) : Source.open(text, io)

const describe = (image: Uint8Array): string => {
  const version = Result.getOrThrow(Image.read(image)).version
  return `${JSON.stringify({ digest: FsVerity.digest(image), size: image.length, version })}\n`
}
