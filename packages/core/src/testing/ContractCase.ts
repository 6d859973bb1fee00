/**
 * Cases of a contract suite: what every adapter of a port must do, as data that any test runner can run.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as Formatter from "effect/Formatter"
import * as Schema from "effect/Schema"
import { JobQueue } from "../storage/JobQueue.ts"
import { Storage } from "../storage/Storage.ts"
import { type Reason, StorageError } from "../storage/StorageError.ts"

/**
 * A sentence about an adapter, and the program that fails when it is not true.
 *
 * @category models
 * @since 0.1.0
 */
export interface ContractCase {
  readonly name: string
  readonly run: Effect.Effect<void, unknown, Storage | JobQueue>
}

/**
 * An adapter did something else than its port promises.
 *
 * @category errors
 * @since 0.1.0
 */
export class ContractViolation
  extends Schema.TaggedError<ContractViolation>("@lamina/core/testing/ContractViolation")("ContractViolation", {
    what: Schema.String,
    expected: Schema.String,
    actual: Schema.String
  })
{
  override get message(): string {
    return `${this.what}: expected ${this.expected}, got ${this.actual}`
  }
}

/**
 * What a case works with: the services, and names which no other case uses, so that cases may share a database. Time
 * stands still, but for `advance`; sleeping takes real time.
 *
 * @category models
 * @since 0.1.0
 */
export interface Fixture {
  readonly storage: Storage["Service"]
  readonly queue: JobQueue["Service"]
  readonly accountId: string
  readonly otherAccountId: string
  readonly kind: string
  /** A fresh UUIDv7, greater than those before. */
  readonly newId: Effect.Effect<string>
  readonly advance: (millis: number) => Effect.Effect<void>
}

/**
 * Makes a case of a program that takes a fixture.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (name: string, program: (fixture: Fixture) => Effect.Effect<void, unknown>): ContractCase => ({
  name,
  run: Effect.suspend(() => {
    const time = new StandingClock()
    return Effect.gen(function*() {
      const storage = yield* Storage
      const queue = yield* JobQueue
      const random = yield* SecureRandom.SecureRandom
      const mark = yield* random.uuidV4()
      yield* program({
        storage,
        queue,
        accountId: `acme-${mark}`,
        otherAccountId: `globex-${mark}`,
        kind: `work-${mark}`,
        newId: random.uuidV7(),
        advance: (millis) => Effect.sync(() => time.advance(millis))
      })
    }).pipe(Effect.provideService(Clock.Clock, time), Effect.provide(SecureRandom.layerWebCrypto))
  })
})

/**
 * Fails with `ContractViolation` unless two values are equal by structure.
 *
 * @category assertions
 * @since 0.1.0
 */
export const equal = <A>(what: string, actual: A, expected: NoInfer<A>): Effect.Effect<void, ContractViolation> =>
  Equal.equals(actual, expected) ? Effect.void : violation(what, Formatter.format(expected), Formatter.format(actual))

/**
 * Gives the reason with which an operation of storage fails; fails with `ContractViolation` when it does not, or with
 * another reason.
 *
 * @category assertions
 * @since 0.1.0
 */
export const failsWith = <Tag extends Reason["_tag"], A, E>(
  what: string,
  effect: Effect.Effect<A, E>,
  tag: Tag
): Effect.Effect<Extract<Reason, { readonly _tag: Tag }>, ContractViolation> =>
  Effect.matchEffect(effect, {
    onSuccess: (value) => violation(what, tag, Formatter.format(value)),
    onFailure: (error) =>
      error instanceof StorageError && isReason(error.reason, tag)
        ? Effect.succeed(error.reason)
        : violation(what, tag, Formatter.format(error))
  })

/**
 * Fails with `ContractViolation`.
 *
 * @category assertions
 * @since 0.1.0
 */
export const violation = (what: string, expected: string, actual: string): Effect.Effect<never, ContractViolation> =>
  Effect.fail(new ContractViolation({ what, expected, actual }))

const isReason = <Tag extends Reason["_tag"]>(
  reason: Reason,
  tag: Tag
): reason is Extract<Reason, { readonly _tag: Tag }> => reason._tag === tag

// Leases and due times are compared to the millisecond, therefore time must not pass by itself. Adapters may sleep
// before they try again, therefore sleeping must end.
class StandingClock implements Clock.Clock {
  readonly #live = Clock.Clock.defaultValue()
  #millis = this.#live.currentTimeMillisUnsafe()
  readonly currentTimeMillis = Effect.sync(() => this.currentTimeMillisUnsafe())
  readonly currentTimeNanos = Effect.sync(() => this.currentTimeNanosUnsafe())
  readonly monotonicTimeNanos = this.#live.monotonicTimeNanos

  advance(millis: number): void {
    this.#millis += millis
  }
  currentTimeMillisUnsafe(): number {
    return this.#millis
  }
  currentTimeNanosUnsafe(): bigint {
    return BigInt(this.#millis) * 1_000_000n
  }
  monotonicTimeNanosUnsafe(): bigint {
    return this.#live.monotonicTimeNanosUnsafe()
  }
  sleep(...arguments_: Parameters<Clock.Clock["sleep"]>): Effect.Effect<void> {
    return this.#live.sleep(...arguments_)
  }
}
