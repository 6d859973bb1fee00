import * as Schema from "effect/Schema"
import { quote } from "../paths.ts"

const layer = Schema.Finite

const FlattenReason = Schema.Union([
  Schema.TaggedStruct("UnsupportedMediaType", { layer, mediaType: Schema.String, problem: Schema.String }),
  Schema.TaggedStruct("Compression", { layer, problem: Schema.String }),
  Schema.TaggedStruct("Malformed", { layer, offset: Schema.Finite, problem: Schema.String }),
  Schema.TaggedStruct("Refused", { layer, path: Schema.String, problem: Schema.String }),
  Schema.TaggedStruct("LimitExceeded", { layer, problem: Schema.String }),
  Schema.TaggedStruct("DiffIdMismatch", { layer, expected: Schema.String, actual: Schema.String }),
  Schema.TaggedStruct("Unsuitable", { path: Schema.String, problem: Schema.String })
])

export type FlattenReason = typeof FlattenReason.Type

/**
 * Why layers could not be flattened to a tree. Layers are counted from 0, the base; `offset` is in the uncompressed
 * archive. `Unsuitable` is a tree to which the rules cannot be applied.
 *
 * @category errors
 * @since 0.1.0
 */
export class FlattenError extends Schema.TaggedError<FlattenError>("@lamina/composefs/FlattenError")("FlattenError", {
  reason: FlattenReason
}) {
  override get message(): string {
    const reason = this.reason
    switch (reason._tag) {
      case "UnsupportedMediaType":
        return `layer ${reason.layer}: media type ${quote(reason.mediaType)}: ${reason.problem}`
      case "Compression":
        return `layer ${reason.layer}: ${reason.problem}`
      case "Malformed":
        return `layer ${reason.layer}: at byte ${reason.offset} of the archive, ${reason.problem}`
      case "Refused":
        return `layer ${reason.layer}: ${quote(reason.path)}: ${reason.problem}`
      case "LimitExceeded":
        return `layer ${reason.layer}: ${reason.problem}`
      case "DiffIdMismatch":
        return `layer ${reason.layer}: expected an archive with digest ${reason.expected}, got ${reason.actual}`
      case "Unsuitable":
        return `the tree cannot be flattened by these rules: ${quote(reason.path)}: ${reason.problem}`
    }
  }
}
