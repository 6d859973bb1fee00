/**
 * One thing that is wrong with a manifest, or odd about it.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { severities } from "./internal/IssueCodes.ts"

/**
 * The stable codes of issues, and how grave each is.
 *
 * @category models
 * @since 0.1.0
 */
export const codes: typeof severities = severities

/**
 * The stable code of an issue.
 *
 * @category models
 * @since 0.1.0
 */
export type ManifestIssueCode = keyof typeof severities

/**
 * An issue: `path` from the document's root, `line` and `column` from 1 (columns in UTF-16 code units), `length` of the
 * marked text. `message` and `hint` are for a person.
 *
 * @category schemas
 * @since 0.1.0
 */
export const ManifestIssue = Schema.Struct({
  code: Schema.Literals(Object.keys(severities) as Array<ManifestIssueCode>),
  severity: Schema.Literals(["error", "warning"]),
  path: Schema.Array(Schema.Union([Schema.String, Schema.Int])),
  line: Schema.Int,
  column: Schema.Int,
  length: Schema.Int,
  message: Schema.String,
  hint: Schema.optionalKey(Schema.String)
})

/**
 * One thing that is wrong with a manifest, or odd about it.
 *
 * @category models
 * @since 0.1.0
 */
export type ManifestIssue = typeof ManifestIssue.Type

/**
 * A path as a person writes it, such as `services[0].env.PORT`.
 *
 * @category formatting
 * @since 0.1.0
 */
export const renderPath = (path: ManifestIssue["path"]): string =>
  path.reduce<string>((text, part) => {
    if (typeof part === "number") return `${text}[${part}]`
    const key = /^[A-Za-z_][\w-]*$/.test(part) ? part : JSON.stringify(part)
    return text === "" ? key : `${text}.${key}`
  }, "")

const shownWidth = 100

/** The part of a long line around the column, without characters that a terminal would obey. */
const excerpt = (line: string, column: number): { readonly text: string; readonly start: number } => {
  const start = column > shownWidth ? column - shownWidth / 2 : 0
  const text = line.slice(start, start + shownWidth).replaceAll(
    /[\p{Cc}\p{Cs}\u2028\u2029\u202A-\u202E\u2066-\u2069]/gu,
    " "
  )
  return { text, start }
}

/**
 * The issue with the line of the manifest that it is about.
 *
 * @category formatting
 * @since 0.1.0
 */
export const render = (issue: ManifestIssue, source: string, fileName = "manifest.yaml"): string => {
  const line = source.split("\n", issue.line).at(issue.line - 1) ?? ""
  const { start, text } = excerpt(line.replace(/\r$/, ""), issue.column - 1)
  const margin = " ".repeat(String(issue.line).length)
  const offset = issue.column - 1 - start
  const marks = "^".repeat(Math.max(1, Math.min(issue.length, text.length - offset)))
  return [
    `${issue.severity}[${issue.code}]: ${issue.message}`,
    `${margin}--> ${fileName}:${issue.line}:${issue.column}`,
    `${margin} |`,
    `${issue.line} | ${text}`,
    `${margin} | ${" ".repeat(offset)}${marks}`,
    ...(issue.hint === undefined ? [] : [`${margin} = help: ${issue.hint}`])
  ].map((row) => row.trimEnd()).join("\n")
}
