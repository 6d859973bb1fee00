import * as Schema from "effect/Schema"
import { quote } from "../paths.ts"

const LayerReason = Schema.Union([
  Schema.TaggedStruct("Unportable", { path: Schema.String, problem: Schema.String }),
  Schema.TaggedStruct("Malformed", { offset: Schema.Finite, problem: Schema.String }),
  Schema.TaggedStruct("Refused", { path: Schema.String, problem: Schema.String }),
  Schema.TaggedStruct("LimitExceeded", { problem: Schema.String }),
  Schema.TaggedStruct("Changed", { path: Schema.String, expected: Schema.Finite, actual: Schema.Finite }),
  Schema.TaggedStruct("Compression", { problem: Schema.String }),
  Schema.TaggedStruct("Io", { operation: Schema.String, path: Schema.String, problem: Schema.String })
])

export type LayerReason = typeof LayerReason.Type

/**
 * Why a layer could not be written, or was refused.
 *
 * @category errors
 * @since 0.1.0
 */
export class LayerError extends Schema.TaggedError<LayerError>("@lamina/composefs/LayerError")("LayerError", {
  reason: LayerReason
}) {
  override get message(): string {
    const reason = this.reason
    switch (reason._tag) {
      case "Unportable":
        return `a layer cannot carry ${quote(reason.path)}: ${reason.problem}`
      case "Malformed":
        return `not a layer: at byte ${reason.offset} of the archive, ${reason.problem}`
      case "Refused":
        return `layer refused: ${quote(reason.path)}: ${reason.problem}`
      case "LimitExceeded":
        return `layer refused: ${reason.problem}`
      case "Changed":
        return `content of ${quote(reason.path)}: expected ${reason.expected} bytes, got ${reason.actual}`
      case "Compression":
        return `zstd: ${reason.problem}`
      case "Io":
        return `cannot ${reason.operation} ${reason.path}: ${reason.problem}`
    }
  }
}
