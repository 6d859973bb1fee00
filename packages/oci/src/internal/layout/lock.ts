/**
 * A lock between processes: a file that only one of them can create, which says who holds it.
 *
 * Node has no `flock`. A lock whose holder is dead, or which is older than any holder should need, is broken; only
 * whoever holds a second, short lock may break one, so that two cannot break each other's new lock.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { randomUUID } from "node:crypto"
import * as fs from "node:fs/promises"
import { hostname } from "node:os"
import { type RegistryError, Unavailable } from "../../RegistryError.ts"
import type { Failing } from "../failure.ts"
import * as files from "./files.ts"

/** A lock of this age in milliseconds was left behind: it is held for one small write. */
const staleMillis = 60_000
const waitMillis = 30_000
const maximumOwnerBytes = 4096

const Owner = Schema.fromJsonString(Schema.Struct({ id: Schema.String, pid: Schema.Int, host: Schema.String }))
type Owner = typeof Owner.Type

/** Runs an effect while holding the lock at `path`. */
export const withLock = (path: string, fail: Failing) => <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.acquireUseRelease(acquire(path, fail), () => effect, (id) => Effect.ignore(release(path, id, fail)))

/** A lock that was held for too long may have been broken, and be somebody else's by now. */
const release = Effect.fnUntraced(function*(path: string, id: string, fail: Failing) {
  if ((yield* readOwner(path, fail))?.id === id) yield* files.remove(path, fail)
})

const acquire = Effect.fnUntraced(function*(path: string, fail: Failing): Effect.fn.Return<
  string,
  RegistryError,
  Scope.Scope
> {
  const owner: Owner = { id: yield* Effect.sync(() => randomUUID()), pid: process.pid, host: hostname() }
  const candidate = `${path}.${owner.id}`
  yield* Effect.acquireRelease(
    files.attempt(() => fs.writeFile(candidate, JSON.stringify(owner), { flag: "wx", mode: 0o600 }), fail),
    () => Effect.ignore(files.remove(candidate, fail))
  )
  const started = yield* Clock.currentTimeMillis
  while (!(yield* create(candidate, path, fail))) {
    yield* breakIfStale(candidate, path, fail)
    if ((yield* Clock.currentTimeMillis) - started > waitMillis) {
      const holder = (yield* readOwner(path, fail))?.pid
      return yield* fail(new Unavailable({ detail: `${path} is locked by process ${holder ?? "unknown"}` }))
    }
    // Only the wait may be interrupted, never the moment between getting the lock and knowing it.
    yield* Effect.interruptible(Effect.sleep(yield* Random.nextBetween(2, 20)))
  }
  return owner.id
}, Effect.scoped)

/** A hard link exists completely or not at all, with the owner's name already in it. */
const create = (candidate: string, path: string, fail: Failing): Effect.Effect<boolean, RegistryError> =>
  files.attempt(
    () =>
      fs.link(candidate, path).then(() => true, (cause: NodeJS.ErrnoException) => {
        if (cause.code === "EEXIST") return false
        throw cause
      }),
    fail
  )

const breakIfStale = Effect.fnUntraced(function*(candidate: string, path: string, fail: Failing) {
  const stale = yield* staleOwner(path, fail)
  if (stale === undefined) return
  const breaking = `${path}.breaking`
  if (yield* create(candidate, breaking, fail)) {
    yield* Effect.gen(function*() {
      // Somebody else may have broken it, and hold a new one, since we looked.
      if ((yield* staleOwner(path, fail)) === stale) yield* files.remove(path, fail)
    }).pipe(Effect.ensuring(Effect.ignore(files.remove(breaking, fail))))
  } else if (yield* isOld(breaking, fail)) {
    yield* files.remove(breaking, fail)
  }
})

/** The id of a holder that is gone. */
const staleOwner = Effect.fnUntraced(function*(path: string, fail: Failing) {
  const owner = yield* readOwner(path, fail)
  if (owner !== undefined && owner.host === hostname() && !isAlive(owner.pid)) return owner.id
  return (yield* isOld(path, fail)) ? owner?.id ?? "unreadable" : undefined
})

const readOwner = Effect.fnUntraced(function*(path: string, fail: Failing): Effect.fn.Return<
  Owner | undefined,
  RegistryError
> {
  const bytes = yield* files.read(path, maximumOwnerBytes, fail)
  if (bytes === undefined) return undefined
  return yield* Schema.decodeEffect(Owner)(Buffer.from(bytes).toString("utf8")).pipe(
    Effect.catch(() => Effect.undefined)
  )
})

const isOld = Effect.fnUntraced(function*(path: string, fail: Failing) {
  const stats = yield* files.regularFile(path, fail)
  return stats !== undefined && (yield* Clock.currentTimeMillis) - stats.ctimeMs > staleMillis
})

/** Signal 0 only asks. It fails with ESRCH for a process that is gone, and with EPERM for one of somebody else. */
const isAlive = (pid: number): boolean => {
  const asked = Result.try({ try: () => process.kill(pid, 0), catch: (cause) => cause })
  return Result.isSuccess(asked) || !Predicate.hasProperty(asked.failure, "code") || asked.failure.code !== "ESRCH"
}
