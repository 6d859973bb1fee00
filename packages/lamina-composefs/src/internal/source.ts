/** Where a tree comes from: the SOURCE of a command line. */
import * as Effect from "effect/Effect"
import { statSync } from "node:fs"
import { Misuse, systemProblem, Unusable } from "./failure.ts"
import { readAll, readFile } from "./input.ts"
import type { Io } from "./io.ts"
import { toPath } from "./names.ts"

type Kind = "directory" | "image" | "dump" | "layout" | "registry"

/** A source of which is known what it is. */
export interface Source {
  readonly kind: Kind
  /** What comes after the prefix; `-` for the standard input. */
  readonly path: string
  /** The whole content, where telling the kind took reading it. */
  readonly content: Uint8Array | undefined
}

const prefixes: Readonly<Record<string, Kind>> = {
  dir: "directory",
  image: "image",
  dump: "dump",
  oci: "layout",
  docker: "registry"
}

export type SourceFailure = Misuse | Unusable

/** Tells what a source is: by its prefix, or else by looking at it. */
export const open = Effect.fnUntraced(function*(text: string, io: Io): Effect.fn.Return<Source, SourceFailure> {
  const tree = text === "-" ? undefined : yield* treeIn(text)
  if (tree !== undefined) return tree
  const content = yield* read(text, io)
  if (content.length === 0) return yield* new Unusable({ subject: nameOf(text), problem: `it is empty: ${neither}` })
  return { kind: isImage(content) ? "image" : "dump", path: text, content }
})

/** The source that a text names without looking into a file: with a prefix, or a directory. */
export const treeIn = Effect.fnUntraced(function*(text: string): Effect.fn.Return<Source | undefined, SourceFailure> {
  const [, prefix = "", rest = ""] = /^([a-z]+):(.*)$/s.exec(text) ?? []
  const kind = Object.hasOwn(prefixes, prefix) ? prefixes[prefix] : undefined
  if (kind === undefined) {
    return (yield* isDirectory(text)) ? { kind: "directory", path: text, content: undefined } : undefined
  }
  if (rest !== "") return { kind, path: rest, content: undefined }
  return yield* new Misuse({ problem: `expected ${prefix}:PATH, got ${JSON.stringify(text)}` })
})

/** The bytes of a source that is a file. */
export const contentOf = (source: Source, io: Io): Effect.Effect<Uint8Array, Unusable> =>
  source.content === undefined ? read(source.path, io) : Effect.succeed(source.content)

/** What is wrong with the content of a source that is a file, with its name. */
export const malformed = ({ content, kind, path }: Source, { message }: { readonly message: string }): Unusable => {
  // Nobody said that it is a dump, and it does not look like one.
  const isUnknown = kind === "dump" && content !== undefined && content[0] !== slash
  return new Unusable({ subject: nameOf(path), problem: isUnknown ? `${neither} (${message})` : message })
}

const slash = 0x2f
const neither = "neither an image nor a dump"

const nameOf = (path: string): string => path === "-" ? "standard input" : path

const read = (path: string, io: Io): Effect.Effect<Uint8Array, Unusable> =>
  path === "-" ? readAll(nameOf(path), io.input) : readFile(path)

/** The first bytes of every composefs image (reference §3.1); no dump begins so. */
const imageMagic = 0xd078629a

const isImage = (content: Uint8Array): boolean =>
  content.length >= 4 && Buffer.from(content.buffer, content.byteOffset, 4).readUInt32LE(0) === imageMagic

const isDirectory = (path: string): Effect.Effect<boolean, Unusable> =>
  Effect.try({
    try: () => statSync(toPath(path)).isDirectory(),
    catch: (cause) => new Unusable({ subject: path, problem: systemProblem(cause) })
  })
