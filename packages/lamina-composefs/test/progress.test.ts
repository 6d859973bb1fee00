import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { Io } from "../src/internal/io.ts"
import { counting } from "../src/internal/progress.ts"

const show = (errorIsTerminal: boolean, work: (told: () => string, show: (count: number) => void) => void): string => {
  let told = ""
  const io: Io = {
    input: Effect.succeed(new Uint8Array(0)),
    print: () => Effect.void,
    tell: (text) => {
      told += text
    },
    outputIsTerminal: true,
    errorIsTerminal,
    environment: {}
  }
  Effect.runSync(counting(io, "files", (show) => Effect.sync(() => work(() => told, show))))
  return told
}

describe("progress", () => {
  it("is a line on a terminal, gone at the end", () => {
    const told = show(true, (told, show) => {
      while (told() === "") show(1234)
    })
    assert.match(told.replaceAll("\u001b[K", "<erase>"), /^\r1,234 files<erase>\r<erase>$/)
  })

  it("is nothing when it is over at once, or when no terminal is there", () => {
    assert.strictEqual(show(true, (_, show) => show(1)), "")
    const start = performance.now()
    const told = show(false, (_, show) => {
      while (performance.now() - start < 150) show(1)
    })
    assert.strictEqual(told, "")
  })
})
