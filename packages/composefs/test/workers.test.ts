import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import { startThreads } from "../src/internal/workers.ts"

const module = new URL("./workers/thread.ts", import.meta.url)

describe("worker threads", () => {
  it.live("take messages and answer, each by its number", () =>
    Effect.gen(function*() {
      const answers: Array<unknown> = []
      const all = yield* Deferred.make<void>()
      const threads = yield* startThreads({
        module,
        count: 2,
        data: "echo",
        onMessage: (message, thread) => {
          answers.push([thread, message])
          if (answers.length === 2) Deferred.doneUnsafe(all, Effect.void)
        }
      })
      assert.strictEqual(threads.count, 2)
      threads.post(0, "a")
      threads.post(1, "b")
      yield* threads.guard(Deferred.await(all))
      assert.sameDeepMembers(answers, [[0, "a"], [1, "b"]])
    }).pipe(Effect.scoped))

  it.live("end the work that waits for them with the error of the one that failed", () =>
    Effect.gen(function*() {
      const threads = yield* startThreads({ module, count: 2, data: "throw" })
      assert.deepStrictEqual(yield* Effect.flip(threads.guard(Effect.never)), { code: "ELUCK", problem: "no luck" })
      assert.deepStrictEqual(yield* Effect.flip(threads.ended), { code: "ELUCK", problem: "no luck" })
      const leaving = yield* startThreads({ module, count: 1, data: "exit" })
      assert.include((yield* Effect.flip(leaving.ended)).problem, "code 3")
    }).pipe(Effect.scoped))

  it.live("are told apart from those that have nothing left to do", () =>
    Effect.gen(function*() {
      const threads = yield* startThreads({ module, count: 2, data: "nothing" })
      yield* threads.ended
    }).pipe(Effect.scoped))

  it.live("are terminated at the end of the scope, busy or not", () =>
    Effect.gen(function*() {
      const running = yield* Effect.scoped(Effect.gen(function*() {
        const spinning = yield* Deferred.make<void>()
        const threads = yield* startThreads({
          module,
          count: 1,
          data: "spin",
          onMessage: () => Deferred.doneUnsafe(spinning, Effect.void)
        })
        yield* Deferred.await(spinning)
        return threads
      }))
      assert.include((yield* Effect.flip(running.ended)).problem, "ended with code")
    }))

  it.live("are none where their module is not, as in a bundle without it", () =>
    Effect.gen(function*() {
      const threads = yield* startThreads({ module: new URL("./absent.ts", import.meta.url), count: 2, data: 0 })
      assert.strictEqual(threads.count, 0)
      yield* threads.ended
      assert.strictEqual(yield* threads.guard(Effect.succeed(1)), 1)
    }).pipe(Effect.scoped))
})
