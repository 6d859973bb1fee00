/**
 * Reading request bodies under a limit and a deadline.
 *
 * @since 0.1.0
 */
import { WebhookRequest } from "@lamina/gitea"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"

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

const decodeJson = Schema.decodeEffect(Schema.fromJsonString(Schema.Unknown))

/**
 * Reads a JSON object with keys in snake_case and decodes it, its own keys in camelCase, by a schema.
 *
 * It has to say that it is JSON: a form of another web site can be sent with the operator's cookies, but not as JSON.
 *
 * @category decoding
 * @since 0.1.0
 */
export const json = Effect.fnUntraced(function*<A>(
  request: Request,
  schema: Schema.Codec<A, unknown>
): Effect.fn.Return<A, UnusableBody> {
  if (!/^application\/json\s*(?:;|$)/i.test(request.headers.get("content-type") ?? "")) {
    return yield* new UnusableBody({ status: 415, detail: "content-type: expected application/json" })
  }
  const { body } = yield* WebhookRequest.read(request, { limitBytes }).pipe(
    Effect.mapError((refused) => new UnusableBody({ status: refused.status, detail: refused.message }))
  )
  const value = yield* decodeJson(new TextDecoder().decode(body)).pipe(Effect.mapError(noObject))
  if (!Predicate.isObject(value)) return yield* noObject()
  return yield* Schema.decodeEffect(schema)(keysToCamelCase(value)).pipe(
    Effect.mapError((error) => new UnusableBody({ status: 422, detail: error.message }))
  )
})

const noObject = () => new UnusableBody({ status: 400, detail: "expected a JSON object" })

/**
 * The same object with its own keys, not those of its members, in camelCase.
 *
 * @category conversions
 * @since 0.1.0
 */
export const keysToCamelCase = (value: object): object =>
  Object.fromEntries(
    Object.entries(value).map(([key, member]) => [
      key.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase()),
      member
    ])
  )
