/**
 * The worker: takes what webhooks promised, as long as it runs. Any number of them may run over one database.
 *
 * @since 0.1.0
 */
import { WebhookWorker } from "@lamina/core"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as rounds from "./internal/rounds.ts"

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
 * Works until it is interrupted.
 *
 * @category operations
 * @since 0.1.0
 */
export const run = (options: Options = {}): Effect.Effect<never, never, WebhookWorker.Requirements> =>
  rounds.forever(
    "webhook worker",
    Effect.map(WebhookWorker.processOnce(options), (worked) => worked.length),
    options
  )
