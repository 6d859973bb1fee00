/** What can be wrong with a line of a dump. */
import * as Schema from "effect/Schema"
import { PathReason } from "../paths.ts"

export const LineReason = Schema.Union([
  ...PathReason.members,
  Schema.TaggedStruct("InvalidField", { field: Schema.String, expected: Schema.String, actual: Schema.String }),
  Schema.TaggedStruct("LimitExceeded", { problem: Schema.String })
])

export type LineReason = typeof LineReason.Type

/** A problem with its place: line and column from 1, the column in bytes. */
export interface Located {
  readonly line: number
  readonly column: number
  readonly reason: LineReason
}

export const invalid = (field: string, expected: string, actual: string): LineReason => ({
  _tag: "InvalidField",
  field,
  expected,
  actual: actual.slice(0, 100)
})

export const exceeded = (problem: string): LineReason => ({ _tag: "LimitExceeded", problem })

/** Longer than any line that could be accepted: path, payload and content, each byte escaped, and the attributes. */
export const maxLineSize = 256 * 1024

export const lineTooLong = exceeded(`a line has more than ${maxLineSize} bytes`)
