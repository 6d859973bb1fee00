/** Progress on a terminal: one line that is written anew, and gone at the end. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { Io } from "./io.ts"

/** Tells how many there are so far. */
export type Show = (count: number) => void

const minimumNanos = 100_000_000n

/** Shows how far something is while it is done; on anything but a terminal it is silent. */
export const counting = <A, E, R>(
  io: Io,
  what: string,
  use: (show: Show) => Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  io.errorIsTerminal
    ? Effect.acquireUseRelease(
      Clock.clockWith((clock) => Effect.sync(() => new Line(io, what, clock))),
      (line) => use((count) => line.show(count)),
      (line) => Effect.sync(() => line.clear())
    )
    : use(() => undefined)

class Line {
  readonly #io: Io
  readonly #what: string
  readonly #clock: Clock.Clock
  #shownAt: bigint
  #isShown = false

  constructor(io: Io, what: string, clock: Clock.Clock) {
    this.#io = io
    this.#what = what
    this.#clock = clock
    this.#shownAt = clock.monotonicTimeNanosUnsafe()
  }

  show(count: number): void {
    const now = this.#clock.monotonicTimeNanosUnsafe()
    if (now - this.#shownAt < minimumNanos) return
    this.#shownAt = now
    this.#isShown = true
    this.#io.tell(`\r${count.toLocaleString("en")} ${this.#what}\u001b[K`)
  }

  clear(): void {
    if (this.#isShown) this.#io.tell("\r\u001b[K")
  }
}
