import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import type { Io } from "../src/internal/io.ts"
import { counting } from "../src/internal/progress.ts"

/** What is told on the error stream while a count is shown after each of so many milliseconds. */
const told = Effect.fnUntraced(function*(errorIsTerminal: boolean, ...pauses: ReadonlyArray<number>) {
  let text = ""
  const io: Io = {
    input: Stream.empty,
    print: () => Effect.void,
    tell: (more) => {
      text += more
    },
    outputIsTerminal: true,
    errorIsTerminal,
    environment: {}
  }
  yield* counting(
    io,
    "files",
    (show) =>
      Effect.forEach(
        pauses,
        (millis, index) => Effect.andThen(TestClock.adjust(millis), Effect.sync(() => show(1234 * (index + 1))))
      )
  )
  return text.replaceAll("\u001b[K", "<erase>")
})

describe("progress", () => {
  it.effect("is a line on a terminal, gone at the end", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* told(true, 100), "\r1,234 files<erase>\r<erase>")
    }))

  it.effect("is written anew ten times a second at most", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* told(true, 150, 50, 50), "\r1,234 files<erase>\r3,702 files<erase>\r<erase>")
    }))

  it.effect("is nothing when it is over at once, or when no terminal is there", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* told(true, 99), "")
      assert.strictEqual(yield* told(false, 1000), "")
    }))
})
