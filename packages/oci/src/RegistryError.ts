/**
 * The one error of this package's registries: where it happened, and a reason that can be matched on.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * What was asked for is not there.
 *
 * @category errors
 * @since 0.1.0
 */
export class NotFound extends Schema.TaggedError<NotFound>("@lamina/oci/RegistryError/NotFound")("NotFound", {
  kind: Schema.Literals(["blob", "manifest", "tag", "repository", "upload"]),
  name: Schema.String
}) {
  override get message(): string {
    return `${this.kind} ${this.name} does not exist`
  }
}

/**
 * Content does not have the digest that it was asked for or announced by.
 *
 * @category errors
 * @since 0.1.0
 */
export class DigestMismatch
  extends Schema.TaggedError<DigestMismatch>("@lamina/oci/RegistryError/DigestMismatch")("DigestMismatch", {
    expected: Schema.String,
    actual: Schema.String
  })
{
  override get message(): string {
    return `expected content with digest ${this.expected}, got ${this.actual}`
  }
}

/**
 * Content does not have the size in bytes of its descriptor.
 *
 * @category errors
 * @since 0.1.0
 */
export class SizeMismatch
  extends Schema.TaggedError<SizeMismatch>("@lamina/oci/RegistryError/SizeMismatch")("SizeMismatch", {
    expected: Schema.Finite,
    actual: Schema.Finite
  })
{
  override get message(): string {
    return `expected ${this.expected} bytes, got ${this.actual}`
  }
}

/**
 * Something was larger than a limit allows; limits are options of the registry.
 *
 * @category errors
 * @since 0.1.0
 */
export class LimitExceeded
  extends Schema.TaggedError<LimitExceeded>("@lamina/oci/RegistryError/LimitExceeded")("LimitExceeded", {
    what: Schema.String,
    limit: Schema.Finite
  })
{
  override get message(): string {
    return `${this.what} exceeds the limit of ${this.limit}`
  }
}

/**
 * A document or argument that does not have the form which the specification asks for.
 *
 * @category errors
 * @since 0.1.0
 */
export class Malformed extends Schema.TaggedError<Malformed>("@lamina/oci/RegistryError/Malformed")("Malformed", {
  what: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `malformed ${this.what}: ${this.detail}`
  }
}

/**
 * The registry asks for other credentials than it was given.
 *
 * @category errors
 * @since 0.1.0
 */
export class Unauthorized
  extends Schema.TaggedError<Unauthorized>("@lamina/oci/RegistryError/Unauthorized")("Unauthorized", {
    status: Schema.Finite,
    detail: Schema.String
  })
{
  override get message(): string {
    return `access denied (HTTP ${this.status}): ${this.detail}`
  }
}

/**
 * The registry limits the rate of requests; `retryAfterMillis` where it said how long.
 *
 * @category errors
 * @since 0.1.0
 */
export class RateLimited
  extends Schema.TaggedError<RateLimited>("@lamina/oci/RegistryError/RateLimited")("RateLimited", {
    retryAfterMillis: Schema.optionalKey(Schema.Finite)
  })
{
  override get message(): string {
    return "the registry limits the rate of requests"
  }
}

/**
 * The registry does not offer the operation.
 *
 * @category errors
 * @since 0.1.0
 */
export class Unsupported
  extends Schema.TaggedError<Unsupported>("@lamina/oci/RegistryError/Unsupported")("Unsupported", {
    operation: Schema.String
  })
{
  override get message(): string {
    return `this registry does not support ${this.operation}`
  }
}

/**
 * Following the registry's answer would be unsafe: a foreign origin, a downgrade to http, an address that is not public.
 *
 * @category errors
 * @since 0.1.0
 */
export class UnsafeRedirect
  extends Schema.TaggedError<UnsafeRedirect>("@lamina/oci/RegistryError/UnsafeRedirect")("UnsafeRedirect", {
    from: Schema.String,
    to: Schema.String,
    rule: Schema.String
  })
{
  override get message(): string {
    return `refused to follow ${this.from} to ${this.to}: ${this.rule}`
  }
}

/**
 * The registry answered what the protocol does not foresee.
 *
 * @category errors
 * @since 0.1.0
 */
export class UnexpectedResponse
  extends Schema.TaggedError<UnexpectedResponse>("@lamina/oci/RegistryError/UnexpectedResponse")("UnexpectedResponse", {
    status: Schema.Finite,
    code: Schema.optionalKey(Schema.String),
    detail: Schema.String
  })
{
  override get message(): string {
    return `unexpected answer (HTTP ${this.status}${this.code === undefined ? "" : ` ${this.code}`}): ${this.detail}`
  }
}

/**
 * The registry or the disk could not be reached or broke off.
 *
 * @category errors
 * @since 0.1.0
 */
export class Unavailable
  extends Schema.TaggedError<Unavailable>("@lamina/oci/RegistryError/Unavailable")("Unavailable", {
    detail: Schema.String,
    cause: Schema.optionalKey(Schema.Defect())
  })
{
  override get message(): string {
    return this.detail
  }
}

/**
 * Every reason a registry operation fails for.
 *
 * @category errors
 * @since 0.1.0
 */
export const Reason = Schema.Union([
  NotFound,
  DigestMismatch,
  SizeMismatch,
  LimitExceeded,
  Malformed,
  Unauthorized,
  RateLimited,
  Unsupported,
  UnsafeRedirect,
  UnexpectedResponse,
  Unavailable
])

/**
 * Every reason a registry operation fails for.
 *
 * @category errors
 * @since 0.1.0
 */
export type Reason = typeof Reason.Type

/**
 * A registry operation failed. `operation` is the method's name, `subject` what it worked on, never with a secret.
 *
 * @category errors
 * @since 0.1.0
 */
export class RegistryError extends Schema.TaggedError<RegistryError>("@lamina/oci/RegistryError")("RegistryError", {
  operation: Schema.String,
  subject: Schema.String,
  reason: Reason
}) {
  override get message(): string {
    return `${this.operation} ${this.subject}: ${this.reason.message}`
  }
}

/**
 * Says whether an error means that what was asked for is not there.
 *
 * @category guards
 * @since 0.1.0
 */
export const isNotFound = (error: RegistryError): boolean => error.reason._tag === "NotFound"

/**
 * Says whether trying again soon may help: the registry could not be reached, or broke off. `RateLimited` is not meant:
 * the registry has said when to come back.
 *
 * @category guards
 * @since 0.1.0
 */
export const isTransient = ({ reason }: RegistryError): boolean =>
  reason._tag === "Unavailable" || (reason._tag === "UnexpectedResponse" && reason.status >= 500)
