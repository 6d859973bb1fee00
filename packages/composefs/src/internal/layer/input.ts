/** A stream of bytes, taken in pieces of wanted sizes. */
import type * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Pull from "effect/Pull"
import * as Stream from "effect/Stream"

export class Input<E, R> {
  readonly #pull: Pull.Pull<Arr.NonEmptyReadonlyArray<Uint8Array>, E, void, R>
  #chunks: Array<Uint8Array> = []
  #offset = 0

  constructor(pull: Pull.Pull<Arr.NonEmptyReadonlyArray<Uint8Array>, E, void, R>) {
    this.#pull = pull
  }

  /** Bytes handed out so far. */
  get offset(): number {
    return this.#offset
  }

  /** Exactly `size` bytes if they are at hand in one piece: most are, and need no effect. */
  now(size: number): Buffer | undefined {
    const chunk = this.#chunks[0]
    if (chunk === undefined || chunk.length < size || size === 0) return undefined
    this.#drop(chunk, size)
    return Buffer.from(chunk.buffer, chunk.byteOffset, size)
  }

  /** At most `limit` bytes as they come; empty only at the end. */
  readonly some: (limit: number) => Effect.Effect<Uint8Array, Pull.ExcludeDone<E>, R> = (limit) =>
    Effect.suspend(() => {
      const chunk = this.#chunks[0]
      if (chunk === undefined) {
        return Effect.flatMap(this.#more, (isMore) => isMore ? this.some(limit) : Effect.succeed(new Uint8Array(0)))
      }
      this.#drop(chunk, limit)
      return Effect.succeed(chunk.subarray(0, limit))
    })

  /** Exactly `size` bytes, or fewer at the end. */
  readonly take = Effect.fnUntraced({ self: this }, function*(size: number) {
    const pieces: Array<Uint8Array> = []
    for (let missing = size; missing > 0;) {
      const piece = yield* this.some(missing)
      if (piece.length === 0) break
      pieces.push(piece)
      missing -= piece.length
    }
    return Buffer.concat(pieces)
  })

  /** The next `size` bytes as a stream, fewer at the end. Read it before anything else is read. */
  body(size: number): Stream.Stream<Uint8Array, Pull.ExcludeDone<E>, R> {
    let missing = size
    const pull = Effect.suspend(() =>
      missing === 0
        ? Cause.done()
        : Effect.flatMap(this.some(missing), (piece) => {
          missing -= piece.length
          return piece.length === 0 ? Cause.done() : Effect.succeed([piece] as const)
        })
    )
    return Stream.fromPull(Effect.succeed(pull))
  }

  #drop(chunk: Uint8Array, limit: number): void {
    if (limit >= chunk.length) this.#chunks.shift()
    else this.#chunks[0] = chunk.subarray(limit)
    this.#offset += Math.min(limit, chunk.length)
  }

  get #more(): Effect.Effect<boolean, Pull.ExcludeDone<E>, R> {
    const more = Effect.map(this.#pull, (chunks) => {
      for (const chunk of chunks) if (chunk.length > 0) this.#chunks.push(chunk)
      return true
    })
    return Pull.catchDone(more, () => Effect.succeed(false))
  }
}
