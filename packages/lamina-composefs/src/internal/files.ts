/** Files and directories that a command line names, save those that are read: see `input.ts`. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import {
  closeSync,
  constants,
  fsyncSync,
  lstatSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeSync
} from "node:fs"
import { Socket } from "node:net"
import { basename, dirname, join } from "node:path"
import { attempt, type OutputClosed, Unusable, writeFailure } from "./failure.ts"
import { toPath } from "./names.ts"

/**
 * Writes a file so that under its name there is the old content or the new one, never a part. What is not a regular
 * file (a pipe, a device, `/proc/self/fd/3`) is written to as it is.
 */
export const writeFile = Effect.fnUntraced(function*(path: string, content: Uint8Array) {
  if (yield* attempt(path, () => lstatSync(toPath(path), { throwIfNoEntry: false })?.isFile() ?? true)) {
    return yield* Effect.scoped(replace(path, content))
  }
  const isPipe = yield* attempt(path, () => statSync(toPath(path), { throwIfNoEntry: false })?.isFIFO() ?? false)
  return yield* isPipe ? writePipe(path, content) : attempt(path, () => writeAll(path, "w", content))
})

const writePipe = Effect.fnUntraced(function*(path: string, content: Uint8Array) {
  const file = yield* openPipe(path)
  yield* Effect.callback<void, OutputClosed | Unusable>((resume) => {
    const socket = new Socket({ fd: file, readable: false, writable: true })
    socket.once("error", (error) => resume(Effect.fail(writeFailure(path, error))))
    // Its reader waits for the end, and may not come for the next file before that.
    socket.once("close", () => resume(Effect.void))
    socket.write(content, () => socket.destroy())
    return Effect.sync(() => void socket.destroy())
  })
})

/** Waits until somebody reads the pipe; a wait inside of the call would be deaf to signals. */
const openPipe = Effect.fnUntraced(function*(path: string) {
  for (;;) {
    const file = yield* attempt(path, () => openForReader(path))
    if (file !== undefined) return file
    yield* Effect.sleep("50 millis")
  }
})

const openForReader = (path: string): number | undefined => {
  try {
    return openSync(toPath(path), constants.O_WRONLY | constants.O_NONBLOCK)
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENXIO") return undefined
    throw error
  }
}

const replace = Effect.fnUntraced(function*(path: string, content: Uint8Array) {
  const temporary = yield* temporaryDirectory(path)
  yield* attempt(path, () => {
    const file = join(temporary, basename(path))
    writeAll(file, "wx", content)
    renameSync(toPath(file), toPath(path))
  })
})

/** Beside the file, so that the move to its name stays within one file system. */
const temporaryDirectory = (path: string): Effect.Effect<string, Unusable, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.andThen(
      utf8Path(dirname(path)),
      attempt(path, () => mkdtempSync(join(dirname(path), ".lamina-composefs-")))
    ),
    (directory) => Effect.sync(() => rmSync(directory, { recursive: true, force: true }))
  )

const writeAll = (path: string, flags: "w" | "wx", content: Uint8Array): void => {
  const file = openSync(toPath(path), flags, 0o644)
  try {
    for (let at = 0; at < content.length;) at += writeSync(file, content, at)
    if (flags === "wx") fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

/** The directory, if it is one: what only reads a store must not make one. */
export const existingDirectory = Effect.fnUntraced(function*(path: string) {
  const isDirectory = yield* attempt(path, () => statSync(toPath(path)).isDirectory())
  if (!isDirectory) return yield* new Unusable({ subject: path, problem: "it is not a directory" })
  return yield* utf8Path(path)
})

/** Not all that is done with a directory can be done with a name of any bytes. */
const utf8Path = (path: string): Effect.Effect<string, Unusable> =>
  typeof toPath(path) === "string"
    ? Effect.succeed(path)
    : Effect.fail(new Unusable({ subject: path, problem: "its name is not UTF-8; go there, and say . instead" }))
