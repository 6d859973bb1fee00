/** Files of the command line, read and written whole. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import {
  closeSync,
  fsyncSync,
  lstatSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync
} from "node:fs"
import { basename, dirname, join } from "node:path"
import { systemProblem, Unusable } from "./failure.ts"

const attempt = <A>(subject: string, call: () => A): Effect.Effect<A, Unusable> =>
  Effect.try({ try: call, catch: (cause) => new Unusable({ subject, problem: systemProblem(cause) }) })

export const readFile = (path: string): Effect.Effect<Uint8Array, Unusable> => attempt(path, () => readFileSync(path))

/**
 * Writes a file so that under its name there is the old content or the new one, never a part. What is not a regular
 * file (a pipe, a device, `/proc/self/fd/3`) is written to as it is.
 */
export const writeFile = (path: string, content: Uint8Array): Effect.Effect<void, Unusable> =>
  Effect.flatMap(attempt(path, () => isReplaceable(path)), (replaceable) =>
    replaceable
      ? Effect.scoped(replace(path, content))
      : attempt(path, () => writeAll(path, "w", content)))

const isReplaceable = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false })?.isFile() ?? true

const replace = Effect.fnUntraced(function*(path: string, content: Uint8Array) {
  const temporary = yield* temporaryDirectory(path)
  yield* attempt(path, () => {
    const file = join(temporary, basename(path))
    writeAll(file, "wx", content)
    renameSync(file, path)
  })
})

/** Beside the file, so that the move to its name stays within one file system. */
const temporaryDirectory = (path: string): Effect.Effect<string, Unusable, Scope.Scope> =>
  Effect.acquireRelease(
    attempt(path, () => mkdtempSync(join(dirname(path), ".lamina-composefs-"))),
    (directory) => Effect.sync(() => rmSync(directory, { recursive: true, force: true }))
  )

const writeAll = (path: string, flags: "w" | "wx", content: Uint8Array): void => {
  const file = openSync(path, flags, 0o644)
  try {
    for (let at = 0; at < content.length;) at += writeSync(file, content, at)
    if (flags === "wx") fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

/** The directory, if it is one: what only reads a store must not make one. */
export const existingDirectory = (path: string): Effect.Effect<string, Unusable> =>
  Effect.flatMap(attempt(path, () => statSync(path).isDirectory()), (isDirectory) =>
    isDirectory
      ? Effect.succeed(path)
      : Effect.fail(new Unusable({ subject: path, problem: "it is not a directory" })))
