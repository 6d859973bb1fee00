// Findings -> the issues that a person reads.
import type { ManifestIssue, ManifestIssueCode } from "../ManifestIssue.ts"
import { severities } from "./IssueCodes.ts"

export type Path = ManifestIssue["path"]

/** From one offset of the source to another. */
export interface Span {
  readonly start: number
  readonly end: number
}

export interface Finding {
  readonly code: ManifestIssueCode
  readonly path: Path
  readonly message: string
  /** A way out; a function where looking for one costs something. */
  readonly hint?: string | (() => string | undefined) | undefined
  /** Set by a lenient reading, which makes less of some errors. */
  readonly severity?: "error" | "warning"
}

export interface PlacedFinding {
  readonly span: Span
  readonly finding: Finding
}

/** Turns offsets into lines and columns. */
export interface SourceLines {
  readonly place: (offset: number) => { readonly line: number; readonly column: number }
}

export const linesOf = (text: string): SourceLines => {
  const starts = [0]
  for (let index = text.indexOf("\n"); index >= 0; index = text.indexOf("\n", index + 1)) starts.push(index + 1)
  return {
    place: (offset) => {
      let low = 0
      let high = starts.length - 1
      while (low < high) {
        const middle = Math.ceil((low + high) / 2)
        if ((starts[middle] ?? 0) <= offset) low = middle
        else high = middle - 1
      }
      return { line: low + 1, column: offset - (starts[low] ?? 0) + 1 }
    }
  }
}

// Whoever has more issues than this needs no list of them, but another manifest.
export const maximumIssues = 100
// Whoever has more than this has not misspelt a word.
const maximumHints = 25
const maximumMessageLength = 1000

/** Without characters that a terminal would obey or that turn text around; a manifest is somebody else's text. */
const harmless = (text: string): string =>
  (text.length > maximumMessageLength ? `${text.slice(0, maximumMessageLength)}…` : text).replaceAll(
    /[\p{Cc}\p{Cs}\u2028\u2029\u202A-\u202E\u2066-\u2069]/gu,
    (character) => `\\u{${character.charCodeAt(0).toString(16)}}`
  )

const severityOf = ({ code, severity = severities[code] }: Finding): "error" | "warning" => severity

const issueAt = (lines: SourceLines, { finding, span: { end, start } }: PlacedFinding): ManifestIssue => {
  const { code, hint, message, path } = finding
  const text = typeof hint === "function" ? hint() : hint
  return {
    code,
    severity: severityOf(finding),
    path,
    ...lines.place(start),
    length: Math.max(1, end - start),
    message: harmless(message),
    ...(text === undefined ? {} : { hint: harmless(text) })
  }
}

const withoutSearch = (placed: PlacedFinding): PlacedFinding =>
  typeof placed.finding.hint === "function"
    ? { span: placed.span, finding: { ...placed.finding, hint: undefined } }
    : placed

/** The issues in the order of the text, errors before warnings where there are too many, and how many were left out. */
export const issuesOf = (
  lines: SourceLines,
  found: ReadonlyArray<PlacedFinding>
): { readonly issues: ReadonlyArray<ManifestIssue>; readonly omitted: number; readonly hasErrors: boolean } => {
  const byPlace = found.toSorted((left, right) => left.span.start - right.span.start)
  const errors = byPlace.filter(({ finding }) => severityOf(finding) === "error")
  const warnings = byPlace.filter(({ finding }) => severityOf(finding) === "warning")
  const shown = new Set([...errors, ...warnings].slice(0, maximumIssues))
  const issues = byPlace.filter((one) => shown.has(one)).map((one, index) =>
    issueAt(lines, index < maximumHints ? one : withoutSearch(one))
  )
  return { issues, omitted: found.length - issues.length, hasErrors: errors.length > 0 }
}
