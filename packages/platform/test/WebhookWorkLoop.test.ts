import { assert, describe, it } from "@effect/vitest"
import { JobQueue, StorageError } from "@lamina/core"
import { WebhookWorkLoop } from "@lamina/platform"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as TestClock from "effect/testing/TestClock"
import { host } from "./support/hosts.ts"

describe("the work loop", () => {
  it.effect("goes on after a database that was away, and after a defect", () =>
    Effect.gen(function*() {
      const { use } = yield* host()
      const queue = yield* use(JobQueue.JobQueue)
      const reason = new StorageError.Unavailable({ detail: "away" })
      const answers: ReadonlyArray<() => ReturnType<JobQueue.JobQueue["Service"]["claim"]>> = [
        () => Effect.fail(new StorageError.StorageError({ reason })),
        () => Effect.die(new Error("a defect")),
        () => Effect.succeed([])
      ]
      let claims = 0
      const shaky = JobQueue.JobQueue.of({
        ...queue,
        claim: () => answers[claims++ % answers.length]?.() ?? Effect.succeed([])
      })
      const logged: Array<string> = []
      const log = Logger.layer([Logger.make(({ message }) => logged.push(String(message)))])
      const loop = WebhookWorkLoop.run({ idle: "1 second", afterFailure: "5 seconds" }).pipe(
        Effect.provideService(JobQueue.JobQueue, shaky),
        Effect.provide(log)
      )
      const fiber = yield* Effect.forkChild(use(loop))
      for (
        const [adjusted, expected] of [["0 seconds", 1], ["5 seconds", 2], ["5 seconds", 3], ["1 second", 4]] as const
      ) {
        yield* TestClock.adjust(adjusted)
        assert.strictEqual(claims, expected)
      }
      assert.strictEqual(fiber.pollUnsafe(), undefined)
      assert.include(logged.join("\n"), "webhook worker: away")
      assert.include(logged.join("\n"), "a defect")
      yield* Fiber.interrupt(fiber)
    }))
})
