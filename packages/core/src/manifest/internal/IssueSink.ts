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
  readonly hint?: string | undefined
  /** Set by a lenient reading, which makes less of some errors. */
  readonly severity?: "error" | "warning"
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

/** Without characters that a terminal would obey or that turn text around; a manifest is somebody else's text. */
export const harmless = (text: string): string =>
  text.replaceAll(
    /[\p{Cc}\p{Cs}\u2028\u2029\u202A-\u202E\u2066-\u2069]/gu,
    (character) => `\\u{${character.charCodeAt(0).toString(16)}}`
  )

export const issueAt = (lines: SourceLines, { start, end }: Span, finding: Finding): ManifestIssue => {
  const { code, hint, message, path, severity = severities[code] } = finding
  return {
    code,
    severity,
    path,
    ...lines.place(start),
    length: Math.max(1, end - start),
    message: harmless(message),
    ...(hint === undefined ? {} : { hint: harmless(hint) })
  }
}

export const byPlace = (left: ManifestIssue, right: ManifestIssue): number =>
  left.line - right.line || left.column - right.column
