/**
 * Files of a layout that strangers may have written: nothing behind a symbolic link is read or written, everything is
 * written beside its place and renamed. The checks hold for a layout at rest, not against somebody who changes it at
 * the same time.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { randomUUID } from "node:crypto"
import { constants, type Stats } from "node:fs"
import * as fs from "node:fs/promises"
import { basename, dirname, join, relative } from "node:path"
import { LimitExceeded, Malformed, RegistryError, Unavailable } from "../../RegistryError.ts"
import type { Failing } from "../failure.ts"

/** The error of a file operation. Node's messages name whole paths; the server keeps this kind of error to itself. */
const ioError = (cause: unknown, fail: Failing): RegistryError =>
  fail(new Unavailable({ detail: cause instanceof Error ? cause.message.slice(0, 400) : "the disk failed" }))

const hasCode = (cause: unknown, ...codes: ReadonlyArray<string>): boolean =>
  cause instanceof Error && "code" in cause && codes.some((code) => code === cause.code)

/** A file operation. */
export const attempt = <A>(operation: () => Promise<A>, fail: Failing): Effect.Effect<A, RegistryError> =>
  Effect.tryPromise({ try: operation, catch: (cause) => ioError(cause, fail) })

/** A file operation on something that may not be there. */
export const optional = <A>(operation: () => Promise<A>, fail: Failing): Effect.Effect<A | undefined, RegistryError> =>
  attempt(
    () =>
      operation().catch((cause: unknown) => {
        if (hasCode(cause, "ENOENT")) return undefined
        throw cause
      }),
    fail
  )

const refuse = (path: string, what: string, fail: Failing) =>
  fail(new Malformed({ what: "image layout", detail: `${path} ${what}` }))

/** Says whether there is a directory below `root`, and refuses a path that goes through a symbolic link. */
export const directoryExists = Effect.fnUntraced(function*(
  root: string,
  components: ReadonlyArray<string>,
  fail: Failing
): Effect.fn.Return<boolean, RegistryError> {
  for (let depth = 1; depth <= components.length; depth++) {
    const path = join(root, ...components.slice(0, depth))
    const stats = yield* optional(() => fs.lstat(path), fail)
    if (stats === undefined) return false
    if (!stats.isDirectory()) return yield* refuse(relative(root, path), "is no directory", fail)
  }
  return true
})

/** Makes a directory below `root` with all above it. */
export const makeDirectory = Effect.fnUntraced(function*(
  root: string,
  components: ReadonlyArray<string>,
  fail: Failing
): Effect.fn.Return<void, RegistryError> {
  yield* attempt(() => fs.mkdir(root, { recursive: true }), fail)
  for (let depth = 1; depth <= components.length; depth++) {
    const path = join(root, ...components.slice(0, depth))
    yield* attempt(
      () =>
        fs.mkdir(path).catch((cause: unknown) => {
          if (!hasCode(cause, "EEXIST")) throw cause
        }),
      fail
    )
    yield* directoryExists(root, components.slice(0, depth), fail)
  }
})

/** What a regular file is; `undefined` when there is none. Anything else at its place is refused. */
export const regularFile = Effect.fnUntraced(function*(
  path: string,
  fail: Failing
): Effect.fn.Return<Stats | undefined, RegistryError> {
  const stats = yield* optional(() => fs.lstat(path), fail)
  if (stats !== undefined && !stats.isFile()) return yield* refuse(basename(path), "is no regular file", fail)
  return stats
})

/** Opens a regular file for reading; it is closed with the scope. */
export const open = Effect.fnUntraced(function*(
  path: string,
  fail: Failing
): Effect.fn.Return<{ readonly handle: fs.FileHandle; readonly size: number } | undefined, RegistryError, Scope.Scope> {
  if ((yield* regularFile(path, fail)) === undefined) return undefined
  const handle = yield* Effect.acquireRelease(
    optional(() => fs.open(path, constants.O_RDONLY | constants.O_NOFOLLOW), fail),
    (handle) => Effect.promise(() => handle?.close().catch(() => undefined) ?? Promise.resolve())
  )
  if (handle === undefined) return undefined
  const stats = yield* attempt(() => handle.stat(), fail)
  return stats.isFile() ? { handle, size: stats.size } : yield* refuse(basename(path), "is no regular file", fail)
})

/** Reads a whole file of at most `limit` bytes. */
export const read = Effect.fnUntraced(function*(
  path: string,
  limit: number,
  fail: Failing
): Effect.fn.Return<Uint8Array | undefined, RegistryError, Scope.Scope> {
  const file = yield* open(path, fail)
  if (file === undefined) return undefined
  if (file.size > limit) {
    return yield* fail(new LimitExceeded({ what: `the size of ${basename(path)} in bytes`, limit }))
  }
  return yield* attempt(() => file.handle.readFile(), fail)
}, Effect.scoped)

/** A file being written under a name that nobody looks for; it is removed with the scope unless it was moved. */
export interface Temporary {
  readonly path: string
  readonly handle: fs.FileHandle
  /** Puts the complete file in its place. */
  readonly moveTo: (path: string) => Effect.Effect<void, RegistryError>
}

/** Makes a temporary file in a directory on the file system of its later place. */
export const temporary = Effect.fnUntraced(function*(
  directory: string,
  options: { readonly durable: boolean; readonly mode: number },
  fail: Failing
): Effect.fn.Return<Temporary, RegistryError, Scope.Scope> {
  const path = join(directory, `tmp-${yield* Effect.sync(() => randomUUID())}`)
  const handle = yield* Effect.acquireRelease(
    attempt(() => fs.open(path, "wx+", 0o600), fail),
    (handle) =>
      Effect.promise(() =>
        handle.close().catch(() => undefined).then(() => fs.rm(path, { force: true })).catch(() => undefined)
      )
  )
  const moveTo = Effect.fnUntraced(function*(target: string) {
    if (options.durable) yield* attempt(() => handle.sync(), fail)
    yield* attempt(() => handle.chmod(options.mode), fail)
    yield* attempt(() => fs.rename(path, target), fail)
    // Without this a crash may forget the new name, and keep an index that was written later and lists it.
    if (options.durable) yield* flushDirectory(dirname(target), fail)
  })
  return { path, handle, moveTo }
})

const flushDirectory = (path: string, fail: Failing): Effect.Effect<void, RegistryError> =>
  attempt(() => fs.open(path, constants.O_RDONLY).then((handle) => handle.sync().finally(() => handle.close())), fail)

/** Writes a whole file at once, so that readers see the old or the new one. */
export const write = Effect.fnUntraced(function*(
  path: string,
  temporaryDirectory: string,
  bytes: Uint8Array,
  options: { readonly durable: boolean; readonly mode: number },
  fail: Failing
): Effect.fn.Return<void, RegistryError, Scope.Scope> {
  const file = yield* temporary(temporaryDirectory, options, fail)
  yield* attempt(() => file.handle.writeFile(bytes), fail)
  yield* file.moveTo(path)
}, Effect.scoped)

/** Removes a file; says whether there was one. */
export const remove = (path: string, fail: Failing): Effect.Effect<boolean, RegistryError> =>
  Effect.map(optional(() => fs.unlink(path).then(() => true), fail), (removed) => removed === true)

/** Gives a file a second name; `false` when the file system cannot. */
export const link = (from: string, to: string, fail: Failing): Effect.Effect<boolean, RegistryError> =>
  attempt(
    () =>
      fs.link(from, to).then(() => true).catch((cause: unknown) => {
        if (hasCode(cause, "EEXIST")) return true
        if (hasCode(cause, "EXDEV", "EPERM", "EMLINK", "ENOTSUP")) return false
        throw cause
      }),
    fail
  )
