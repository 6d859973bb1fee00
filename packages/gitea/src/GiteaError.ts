/**
 * What can go wrong in a call of the Gitea API.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * The causes. `detail` is the server's own message, cut to 300 characters; `NotFound` also stands for what the token
 * may not see, and for routes that an older server does not have.
 *
 * @category errors
 * @since 0.1.0
 */
export const GiteaErrorReason = Schema.TaggedUnion({
  InvalidInput: { field: Schema.String, problem: Schema.String },
  Unreachable: { description: Schema.String },
  TimedOut: { afterMillis: Schema.Finite },
  Unauthorized: { detail: Schema.String },
  Forbidden: { detail: Schema.String },
  NotFound: { detail: Schema.String },
  Conflict: { detail: Schema.String },
  Rejected: { status: Schema.Finite, detail: Schema.String },
  RateLimited: { detail: Schema.String },
  Redirected: { status: Schema.Finite, location: Schema.String },
  ServerFailure: { status: Schema.Finite, detail: Schema.String },
  ResponseTooLarge: { limitBytes: Schema.Finite },
  MalformedResponse: { at: Schema.String, problem: Schema.String },
  Unsupported: { feature: Schema.String, server: Schema.String, needs: Schema.String }
})

/**
 * A failed call: method, path (without query and never with a secret) and the reason.
 *
 * @category errors
 * @since 0.1.0
 */
export class GiteaError extends Schema.TaggedError<GiteaError>("@lamina/gitea/GiteaError")("GiteaError", {
  method: Schema.String,
  path: Schema.String,
  reason: GiteaErrorReason
}) {
  override get message() {
    // What was refused for its control characters must not bring them into a log.
    return `${this.method} ${this.path}: ${describe(this.reason)}`.replaceAll(controlCharacters, " ")
  }

  /** Whether the same call may succeed a moment later. */
  get retryable(): boolean {
    const { reason } = this
    switch (reason._tag) {
      case "Unreachable":
      case "TimedOut":
      case "RateLimited":
        return true
      case "ServerFailure":
        // Gitea answers 500 to some wrong input (an unknown actor), and will do so again.
        return reason.status !== 500 && reason.status !== 501
      default:
        return false
    }
  }
}

// eslint-disable-next-line no-control-regex -- control characters are what is looked for
const controlCharacters = /[\u0000-\u001f\u007f\u2028\u2029]+/g

const describe = GiteaErrorReason.match({
  InvalidInput: ({ field, problem }) => `${field}: ${problem}`,
  Unreachable: ({ description }) => `the server cannot be reached (${description})`,
  TimedOut: ({ afterMillis }) => `no complete answer within ${afterMillis} ms`,
  Unauthorized: ({ detail }) => `401: the token is absent, unknown or expired: ${detail}`,
  Forbidden: ({ detail }) => `403: the token lacks a scope or its owner a permission: ${detail}`,
  NotFound: ({ detail }) => `404: absent, or hidden from this token: ${detail}`,
  Conflict: ({ detail }) => `409: ${detail}`,
  Rejected: ({ detail, status }) => `${status}: ${detail}`,
  RateLimited: ({ detail }) => `429: ${detail}`,
  Redirected: ({ location, status }) =>
    `${status}: the server points to ${location}; was the repository renamed, or the base URL written otherwise?`,
  ServerFailure: ({ detail, status }) => `${status}: ${detail}`,
  ResponseTooLarge: ({ limitBytes }) => `the answer is larger than ${limitBytes} bytes`,
  MalformedResponse: ({ at, problem }) =>
    `the answer is not what was expected: ${at === "" ? "" : `${at}: `}${problem}`,
  Unsupported: ({ feature, needs, server }) => `${feature} needs ${needs}, the server is ${server}`
})
