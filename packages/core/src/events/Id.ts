/**
 * Ids: UUIDs of version 7, which sort by the time they were made.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"

/**
 * What makes ids; replace it where a test or a replay needs ids that it knows.
 *
 * @category services
 * @since 0.1.0
 */
export const Generator: Context.Reference<Effect.Effect<string>> = Context.Reference("@lamina/core/events/Id", {
  defaultValue: () => SecureRandom.make(SecureRandom.randomBytesUnsafe).uuidV7()
})

/**
 * A new id. Ids of one process ascend in the order in which they were made.
 *
 * @category constructors
 * @since 0.1.0
 */
export const next: Effect.Effect<string> = Effect.flatMap(Generator, (generate) => generate)
