import * as Schema from "effect/Schema"

/** What an option names cannot be used. */
export class UnusableOption extends Schema.TaggedError<UnusableOption>("example/UnusableOption")("UnusableOption", {
  option: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `${this.option}: ${this.detail}`
  }
}

/** What an error of Node says. */
export const messageOf = (cause: unknown): string => cause instanceof Error ? cause.message : String(cause)
