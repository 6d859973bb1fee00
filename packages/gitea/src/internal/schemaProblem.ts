import type * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"

export interface SchemaProblem {
  readonly path: string
  readonly problem: string
}

const format = SchemaIssue.makeFormatterStandardSchemaV1()
const maxProblemLength = 200

/** The first place where a document departs from its schema, as a dotted path and a sentence. */
export const schemaProblem = (error: Schema.SchemaError): SchemaProblem => {
  const [first] = format(error.issue).issues
  if (first === undefined) return { path: "", problem: "it does not have the expected shape" }
  const path = (first.path ?? []).map((segment) => typeof segment === "object" ? String(segment.key) : String(segment))
  return { path: path.join("."), problem: first.message.slice(0, maxProblemLength) }
}
