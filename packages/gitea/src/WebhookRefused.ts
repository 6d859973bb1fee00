/**
 * Why a webhook request was not accepted. The reason is for logs and metrics; the sender gets one uniform answer.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * The causes, told apart for the attempts log.
 *
 * `TimestampOutOfWindow` is only given for a signature that is right: a late or replayed request, or a wrong clock,
 * never a guess. `SignatureMismatch` is the one to count against an address.
 *
 * @category errors
 * @since 0.1.0
 */
export const WebhookRefusedReason = Schema.TaggedUnion({
  MissingSignature: { expectedHeaders: Schema.Array(Schema.String) },
  MalformedSignature: { header: Schema.String, problem: Schema.String },
  SignatureMismatch: { headers: Schema.Array(Schema.String), keysTried: Schema.Finite },
  TimestampOutOfWindow: { skewSeconds: Schema.Finite, toleranceSeconds: Schema.Finite, keyId: Schema.String },
  NoActiveKey: { keys: Schema.Finite },
  UnknownEndpoint: {},
  MalformedBody: { problem: Schema.String },
  BodyTooLarge: { limitBytes: Schema.Finite },
  BodyTooSlow: { deadlineMillis: Schema.Finite },
  BodyUnreadable: { problem: Schema.String },
  UnsupportedEncoding: { encoding: Schema.String }
})

/**
 * A webhook request that was refused before anything of it was parsed.
 *
 * @category errors
 * @since 0.1.0
 */
export class WebhookRefused extends Schema.TaggedError<WebhookRefused>("@lamina/gitea/WebhookRefused")(
  "WebhookRefused",
  { reason: WebhookRefusedReason }
) {
  override get message() {
    return `webhook refused: ${describe(this.reason)}`
  }

  /**
   * The HTTP status to answer with. Whatever concerns the key, the signature or the endpoint is 401 and must carry
   * the same body and headers; the other three are decided before the endpoint is looked up, so they tell nothing.
   */
  get status(): 401 | 408 | 413 | 415 {
    return statusOf(this.reason._tag)
  }
}

const statusOf = (tag: (typeof WebhookRefusedReason.Type)["_tag"]): 401 | 408 | 413 | 415 => {
  switch (tag) {
    case "BodyTooLarge":
      return 413
    case "BodyTooSlow":
    case "BodyUnreadable":
      return 408
    case "UnsupportedEncoding":
      return 415
    default:
      return 401
  }
}

const describe = WebhookRefusedReason.match({
  MissingSignature: ({ expectedHeaders }) => `no signature header; expected ${expectedHeaders.join(" or ")}`,
  MalformedSignature: ({ header, problem }) => `header ${header}: ${problem}`,
  SignatureMismatch: ({ headers, keysTried }) =>
    `${headers.join(", ")}: no match under any of ${keysTried} active keys; check the secret of the sender`,
  TimestampOutOfWindow: ({ skewSeconds, toleranceSeconds }) =>
    `webhook-timestamp: expected within ${toleranceSeconds} s of now, got ${skewSeconds} s; check both clocks`,
  NoActiveKey: ({ keys }) => `none of the endpoint's ${keys} keys is good now; rotate the secret`,
  UnknownEndpoint: () => "no such endpoint",
  MalformedBody: ({ problem }) => `body: ${problem}`,
  BodyTooLarge: ({ limitBytes }) => `body: expected at most ${limitBytes} bytes`,
  BodyTooSlow: ({ deadlineMillis }) => `body: expected to end within ${deadlineMillis} ms`,
  BodyUnreadable: ({ problem }) => `body: ${problem}`,
  UnsupportedEncoding: ({ encoding }) => `content-encoding: expected identity, got ${JSON.stringify(encoding)}`
})
