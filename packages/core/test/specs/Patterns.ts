// Random patterns and paths over a small alphabet, so that they meet often.
import * as fc from "fast-check"

const literal = fc.constantFrom("a", "b", "ab", "a.b", ".a", "é", "a b", "a+b", "#a", "(a)", "-", "^", "$a", "~")

const wildcard = fc.array(
  fc.constantFrom("*", "**", "?", "a", "b", ".", "[ab]", "[!a]", "[^b]", "[a-b]", "[]a]", "[a-]", "\\*", "\\[", "\\a"),
  { minLength: 1, maxLength: 4 }
).map((parts) => parts.join(""))

const component = fc.oneof(
  { weight: 5, arbitrary: literal },
  { weight: 3, arbitrary: wildcard },
  { weight: 2, arbitrary: fc.constantFrom("*", "**", "**") },
  { weight: 1, arbitrary: fc.constantFrom("{a,b}", "{a,b/a}", "a{,b}", "{a,{b,*}}", "{**/a,b}", "x{a,?}") }
)

/** Patterns of every feature; now and then with a trailing slash. */
export const pattern = fc.tuple(fc.array(component, { minLength: 1, maxLength: 4 }), fc.integer({ min: 0, max: 9 }))
  .map(
    ([components, slash]) => `/${components.join("/")}${slash === 0 ? "/" : ""}`
  )

const name = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom("a", "b", "ab", "ba", "aa", ".a", "a.b", "x", "xa", "xb") },
  {
    weight: 1,
    arbitrary: fc.constantFrom("é", "a b", "a+b", "#a", "(a)", "*", "[", "-", "]", "^", "$a", "~", "a*", "😀")
  }
)

/** Absolute paths of one to five names. */
export const path = fc.array(name, { minLength: 1, maxLength: 5 }).map((names) => `/${names.join("/")}`)

/** What a path leads to. */
export const kind = fc.constantFrom("file" as const, "directory" as const)
