import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { chown, mkdtemp, rm, stat } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { EmbeddedPostgresError } from "../../EmbeddedPostgresError.ts"
import type { ServerAccount } from "./ServerAccount.ts"

/**
 * Work on files, whose failures are about the directory.
 */
export const tryFiles = <A>(what: string, run: () => Promise<A>): Effect.Effect<A, EmbeddedPostgresError> =>
  Effect.tryPromise({
    try: run,
    catch: (cause) =>
      new EmbeddedPostgresError({
        reason: "DataDirectoryUnusable",
        detail: `could not ${what}: ${cause instanceof Error ? cause.message : String(cause)}`
      })
  })

/**
 * Makes a directory the server's own.
 */
export const giveTo = (account: ServerAccount, directory: string): Effect.Effect<void, EmbeddedPostgresError> => {
  const { gid, uid } = account
  return uid === undefined || gid === undefined
    ? Effect.void
    : tryFiles(`give ${directory} to the user ${uid}`, () => chown(directory, uid, gid))
}

/**
 * A fresh directory that only the server's user may enter, and that is gone when the scope closes. Its path is short: a
 * Unix socket's path has at most 103 bytes.
 */
export const temporaryDirectory = (
  account: ServerAccount
): Effect.Effect<string, EmbeddedPostgresError, Scope.Scope> =>
  Effect.acquireRelease(
    tryFiles(`make a directory in ${tmpdir()}`, () => mkdtemp(join(tmpdir(), "lamina-pg-"))),
    (directory) => Effect.promise(() => rm(directory, { recursive: true, force: true }))
  ).pipe(Effect.tap((directory) => giveTo(account, directory)))

/**
 * The directory on the way to a path which another user may not pass, if there is one.
 */
export const impassable = (
  account: ServerAccount,
  path: string
): Effect.Effect<string | undefined, EmbeddedPostgresError> => {
  if (account.uid === undefined) return Effect.undefined
  return tryFiles(`look at the directories above ${path}`, async () => {
    for (let directory = dirname(path);; directory = dirname(directory)) {
      const { gid, mode, uid } = await stat(directory)
      const execute = uid === account.uid ? 0o100 : gid === account.gid ? 0o010 : 0o001
      if ((mode & execute) === 0) return directory
      if (directory === dirname(directory)) return undefined
    }
  })
}
