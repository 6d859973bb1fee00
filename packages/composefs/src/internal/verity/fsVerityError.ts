import * as Schema from "effect/Schema"
import { maxSaltSize } from "./blockHash.ts"

/**
 * Why a digest or a tree could not be computed, read or confirmed.
 *
 * @category errors
 * @since 0.1.0
 */
export class FsVerityError extends Schema.TaggedError<FsVerityError>("@lamina/composefs/FsVerityError")(
  "FsVerityError",
  {
    reason: Schema.Union([
      Schema.TaggedStruct("InvalidSalt", { size: Schema.Finite }),
      Schema.TaggedStruct("InvalidDigest", { text: Schema.String }),
      Schema.TaggedStruct("InvalidDescriptor", { problem: Schema.String }),
      Schema.TaggedStruct("InvalidTree", { problem: Schema.String }),
      Schema.TaggedStruct("InvalidRange", { range: Schema.String, problem: Schema.String }),
      Schema.TaggedStruct("TreeTooLarge", { size: Schema.Finite, limit: Schema.Finite }),
      Schema.TaggedStruct("Mismatch", { expected: Schema.String, actual: Schema.String }),
      Schema.TaggedStruct("WrongBlock", {
        block: Schema.Finite,
        offset: Schema.Finite,
        expected: Schema.String,
        actual: Schema.String
      }),
      Schema.TaggedStruct("WrongSize", { expected: Schema.Finite, actual: Schema.Finite }),
      Schema.TaggedStruct("Unreadable", { path: Schema.String, problem: Schema.String }),
      Schema.TaggedStruct("Changed", { path: Schema.String, problem: Schema.String })
    ])
  }
) {
  override get message(): string {
    const reason = this.reason
    switch (reason._tag) {
      case "InvalidSalt":
        return `salt: expected at most ${maxSaltSize} bytes, got ${reason.size}`
      case "InvalidDigest":
        return `fs-verity digest: expected 64 or 128 lower-case hex digits, optionally after "sha256:" or "sha512:", got ${
          JSON.stringify(reason.text.slice(0, 160))
        }`
      case "InvalidDescriptor":
        return `fs-verity descriptor: ${reason.problem}`
      case "InvalidTree":
        return `Merkle tree: ${reason.problem}`
      case "InvalidRange":
        return `${reason.range}: ${reason.problem}`
      case "TreeTooLarge":
        return `Merkle tree: at most ${reason.limit} bytes are allowed, it needs ${reason.size}; raise maxTreeSize`
      case "Mismatch":
        return `fs-verity digest: expected ${reason.expected}, got ${reason.actual}`
      case "WrongBlock":
        return `block ${reason.block} (byte ${reason.offset} on): expected the hash ${reason.expected}, got ${reason.actual}`
      case "WrongSize":
        return `content: expected ${reason.expected} bytes, got ${reason.actual}${
          reason.actual > reason.expected ? " or more" : ""
        }`
      case "Unreadable":
        return `cannot read ${reason.path}: ${reason.problem}`
      case "Changed":
        return `${reason.path} changed while it was read: ${reason.problem}; hash a file that is at rest`
    }
  }
}
