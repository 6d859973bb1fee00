/** Work in rounds, for as long as nobody interrupts it. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"

export interface RoundOptions {
  readonly idle?: Duration.Input | undefined
  readonly afterFailure?: Duration.Input | undefined
}

/**
 * Repeats a round that says how much it did. A database that cannot be reached is logged and tried again, and so is a
 * defect: the job that met it is taken up once more when its lease has run out.
 */
export const forever = <R>(
  name: string,
  round: Effect.Effect<number, { readonly message: string }, R>,
  options: RoundOptions
): Effect.Effect<never, never, R> => {
  const idle = Effect.sleep(options.idle ?? Duration.seconds(1))
  const afterFailure = Effect.sleep(options.afterFailure ?? Duration.seconds(5))
  return Effect.forever(
    Effect.matchEffect(round, {
      onSuccess: (done) => done === 0 ? idle : Effect.void,
      onFailure: (error) => Effect.andThen(Effect.logWarning(`${name}: ${error.message}`), afterFailure)
    }).pipe(Effect.catchDefect((defect) => Effect.andThen(Effect.logError(name, defect), afterFailure)))
  )
}
