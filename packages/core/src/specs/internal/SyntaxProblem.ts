/** What can be wrong with a pattern. */
export const codes = [
  "empty",
  "too_long",
  "control_character",
  "trailing_blank",
  "negation",
  "extglob",
  "dangling_escape",
  "brace",
  "too_complex",
  "relative",
  "root",
  "empty_component",
  "dot_component",
  "unclosed_class",
  "named_class",
  "class_not_ascii",
  "class_range"
] as const

export interface SyntaxProblem {
  readonly code: (typeof codes)[number]
  readonly detail: string
  readonly hint?: string
}
