import * as Schema from "effect/Schema"
import { describe, PathReason, quote } from "./paths.ts"

/**
 * Why a tree could not be built, or a directory not be read.
 *
 * @category errors
 * @since 0.1.0
 */
export class TreeError extends Schema.TaggedError<TreeError>("@lamina/composefs/TreeError")("TreeError", {
  reason: Schema.Union([
    ...PathReason.members,
    Schema.TaggedStruct("Unreadable", { path: Schema.String, problem: Schema.String }),
    Schema.TaggedStruct("Changed", { path: Schema.String, problem: Schema.String })
  ])
}) {
  override get message(): string {
    const reason = this.reason
    switch (reason._tag) {
      case "Unreadable":
        return `cannot read ${quote(reason.path)}: ${reason.problem}`
      case "Changed":
        return `${quote(reason.path)} changed while it was read: ${reason.problem}; scan a directory that is at rest`
      default:
        return describe(reason)
    }
  }
}
