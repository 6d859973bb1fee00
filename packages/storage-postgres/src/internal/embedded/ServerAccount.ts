import * as Effect from "effect/Effect"
import { stat } from "node:fs/promises"

/**
 * The operating system's user that the server runs as; nothing when that is the user of this process.
 */
export interface ServerAccount {
  readonly uid?: number
  readonly gid?: number
}

// The user "nobody" on Linux.
const nobody = { uid: 65534, gid: 65534 }

/**
 * PostgreSQL refuses to run as root. It runs as the owner of the data then, or as nobody.
 */
export const serverAccount = (dataDir: string | undefined): Effect.Effect<ServerAccount> => {
  if (process.getuid?.() !== 0) return Effect.succeed({})
  if (dataDir === undefined) return Effect.succeed(nobody)
  return Effect.tryPromise(() => stat(dataDir)).pipe(
    Effect.map(({ gid, uid }) => uid === 0 ? nobody : { uid, gid }),
    Effect.orElseSucceed(() => nobody)
  )
}

/**
 * Messages in English, which is how readiness is noticed; nothing of the host's `PG*` settings.
 */
export const serverEnvironment = { LC_ALL: "C", TZ: "UTC", PATH: "/usr/bin:/bin" }
