/** Progress on a terminal: one line that is written anew, and gone at the end. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Io } from "./io.ts"

/** Counts something; on anything but a terminal it is silent. */
export interface Progress {
  readonly step: (by?: number) => void
}

const silent: Progress = { step: () => undefined }
const minimumMillis = 100

export const counting = (io: Io, what: string): Effect.Effect<Progress, never, Scope.Scope> =>
  io.errorIsTerminal
    ? Effect.acquireRelease(Effect.sync(() => new Line(io, what)), (line) => Effect.sync(() => line.clear()))
    : Effect.succeed(silent)

class Line implements Progress {
  readonly #io: Io
  readonly #what: string
  #count = 0
  #shownAt = performance.now()
  #isShown = false

  constructor(io: Io, what: string) {
    this.#io = io
    this.#what = what
  }

  // A field, as it is handed on.
  readonly step = (by = 1): void => {
    this.#count += by
    const now = performance.now()
    if (now - this.#shownAt < minimumMillis) return
    this.#shownAt = now
    this.#isShown = true
    this.#io.tell(`\r${this.#count.toLocaleString("en")} ${this.#what}\u001b[K`)
  }

  clear(): void {
    if (this.#isShown) this.#io.tell("\r\u001b[K")
  }
}
