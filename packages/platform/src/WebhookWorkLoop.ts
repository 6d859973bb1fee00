/**
 * The worker: takes what webhooks promised, as long as it runs. Any number of them may run over one database.
 *
 * @since 0.1.0
 */
import { WebhookWorker } from "@lamina/core"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"

/**
 * How the worker works: as `WebhookWorker.processOnce`, and how long it rests when there is nothing to do (default one
 * second) or when the database is away (default five seconds).
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends WebhookWorker.WorkOptions {
  readonly idle?: Duration.Input | undefined
  readonly afterFailure?: Duration.Input | undefined
}

/**
 * Works until it is interrupted. A database that cannot be reached is logged and tried again, and so is a defect: the
 * job that met it is taken up once more when its lease has run out.
 *
 * @category operations
 * @since 0.1.0
 */
export const run = (options: Options = {}): Effect.Effect<never, never, WebhookWorker.Requirements> => {
  const idle = options.idle ?? Duration.seconds(1)
  const afterFailure = options.afterFailure ?? Duration.seconds(5)
  const round = Effect.matchEffect(WebhookWorker.processOnce(options), {
    onSuccess: (worked) => worked.length === 0 ? Effect.sleep(idle) : Effect.void,
    onFailure: (error) =>
      Effect.andThen(Effect.logWarning(`webhook worker: ${error.message}`), Effect.sleep(afterFailure))
  }).pipe(
    Effect.catchDefect((defect) =>
      Effect.andThen(Effect.logError("webhook worker", defect), Effect.sleep(afterFailure))
    )
  )
  return Effect.forever(round)
}
