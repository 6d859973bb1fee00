/** One lock per key, which exists only as long as somebody holds it or waits for it. */
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"

/** Runs effects of one key one after another, those of different keys side by side. */
export interface KeyedMutex {
  readonly withLock: (key: string) => <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
}

/** Makes locks. */
export const make = (): KeyedMutex => {
  const locks = new Map<string, { readonly semaphore: Semaphore.Semaphore; users: number }>()
  const join = (key: string) =>
    Effect.sync(() => {
      const lock = locks.get(key) ?? { semaphore: Semaphore.makeUnsafe(1), users: 0 }
      lock.users += 1
      locks.set(key, lock)
      return lock
    })
  return {
    withLock: (key) => (effect) =>
      Effect.acquireUseRelease(
        join(key),
        (lock) => lock.semaphore.withPermit(effect),
        (lock) =>
          Effect.sync(() => {
            lock.users -= 1
            if (lock.users === 0) locks.delete(key)
          })
      )
  }
}
