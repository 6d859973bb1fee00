/**
 * Reading request bodies under a limit and a deadline.
 *
 * @since 0.1.0
 */
import { WebhookRequest } from "@lamina/gitea"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as Reply from "./Reply.ts"

/**
 * A body that is not what the route expects. `status` is the HTTP status to answer with.
 *
 * @category errors
 * @since 0.1.0
 */
export class UnusableBody extends Schema.TaggedError<UnusableBody>("@lamina/platform/http/UnusableBody")(
  "UnusableBody",
  { status: Schema.Finite, detail: Schema.String }
) {
  override get message(): string {
    return this.detail
  }
}

const limitBytes = 1024 * 1024

const decodeJson = Schema.decodeUnknownEffect(Schema.fromJsonString(Schema.Unknown))

/**
 * Reads a JSON object with keys in snake_case and decodes it, its own keys in camelCase, by a schema.
 *
 * @category decoding
 * @since 0.1.0
 */
export const json = Effect.fnUntraced(function*<A>(
  request: Request,
  schema: Schema.Codec<A, unknown>
): Effect.fn.Return<A, UnusableBody> {
  const { body } = yield* WebhookRequest.read(request, { limitBytes }).pipe(
    Effect.mapError((refused) => new UnusableBody({ status: refused.status, detail: refused.message }))
  )
  const value = yield* decodeJson(new TextDecoder().decode(body)).pipe(
    Effect.mapError(() => new UnusableBody({ status: 400, detail: "expected a JSON object" }))
  )
  if (!Predicate.isObject(value)) return yield* new UnusableBody({ status: 400, detail: "expected a JSON object" })
  return yield* Schema.decodeUnknownEffect(schema)(Reply.keysToCamelCase(value)).pipe(
    Effect.mapError((error) => new UnusableBody({ status: 422, detail: error.message }))
  )
})

/**
 * The answer to an error of a route: of its body, or of the domain.
 *
 * @category constructors
 * @since 0.1.0
 */
export const answerError = (error: unknown): Response =>
  error instanceof UnusableBody ? Reply.failed(error.status, error._tag, error.detail) : Reply.fromError(error)
