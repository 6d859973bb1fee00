/**
 * What can be wrong with any command before its own rules are asked.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * Nothing of that kind has this id or name in the account.
 *
 * @category errors
 * @since 0.1.0
 */
export class NotFound extends Schema.TaggedError<NotFound>("@lamina/core/events/NotFound")("NotFound", {
  kind: Schema.String,
  key: Schema.String,
  accountId: Schema.String
}) {
  override get message(): string {
    return `account ${this.accountId} has no ${this.kind} ${JSON.stringify(this.key)}`
  }
}

/**
 * A field of the input does not have the form it needs.
 *
 * @category errors
 * @since 0.1.0
 */
export class InvalidInput extends Schema.TaggedError<InvalidInput>("@lamina/core/events/InvalidInput")("InvalidInput", {
  field: Schema.String,
  expected: Schema.String,
  actual: Schema.String
}) {
  override get message(): string {
    return `${this.field}: expected ${this.expected}, got ${this.actual}`
  }
}

/**
 * The row is not in the revision that the caller saw: read it again and decide anew.
 *
 * @category errors
 * @since 0.1.0
 */
export class Stale extends Schema.TaggedError<Stale>("@lamina/core/events/Stale")("Stale", {
  kind: Schema.String,
  id: Schema.String,
  expected: Schema.Int,
  current: Schema.Int
}) {
  override get message(): string {
    return `${this.kind} ${this.id} changed meanwhile: expected rev ${this.expected}, it has rev ${this.current}; ` +
      "read it again"
  }
}

/**
 * The idempotency key was used for another command or another request.
 *
 * @category errors
 * @since 0.1.0
 */
export class IdempotencyConflict
  extends Schema.TaggedError<IdempotencyConflict>("@lamina/core/events/IdempotencyConflict")("IdempotencyConflict", {
    key: Schema.String,
    command: Schema.String,
    recordedCommand: Schema.String,
    recordedAt: Schema.Int
  })
{
  override get message(): string {
    const what = this.command === this.recordedCommand
      ? `with another request of ${this.command}`
      : `for ${this.recordedCommand}`
    return `idempotency key ${JSON.stringify(this.key)} was used ${what} at ${this.recordedAt}; ` +
      `use a new key for this ${this.command}`
  }
}

/**
 * Every such reason.
 *
 * @category errors
 * @since 0.1.0
 */
export const Reason = Schema.Union([NotFound, InvalidInput, Stale, IdempotencyConflict])

/**
 * Every such reason.
 *
 * @category errors
 * @since 0.1.0
 */
export type Reason = typeof Reason.Type

/**
 * A command was not begun; nothing was changed.
 *
 * @category errors
 * @since 0.1.0
 */
export class CommandError extends Schema.TaggedError<CommandError>("@lamina/core/events/CommandError")("CommandError", {
  reason: Reason
}) {
  override get message(): string {
    return this.reason.message
  }
}

/**
 * The error that something is not there.
 *
 * @category constructors
 * @since 0.1.0
 */
export const notFound = (accountId: string, kind: string, key: string): CommandError =>
  new CommandError({ reason: new NotFound({ accountId, kind, key }) })

/**
 * The error that a field of the input is not as it must be.
 *
 * @category constructors
 * @since 0.1.0
 */
export const invalidInput = (field: string, expected: string, actual: string): CommandError =>
  new CommandError({ reason: new InvalidInput({ field, expected, actual }) })
