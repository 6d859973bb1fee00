/**
 * Matches a text exactly or by an RE2 regular expression, anchored unless it is asked for otherwise.
 *
 * RE2 is what policies written for Go tools mean, and it is linear in the text, so a policy cannot be made to hang.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { RE2JS } from "re2js"
import { patternSize } from "./internal/patternSize.ts"

const maximumPatternLength = 1024
const maximumTextLength = 4096
const maximumProgramSize = 4096
// Each is folded and turned into a table of its own.
const maximumUnicodeClasses = 32

/**
 * An exact text, or an RE2 `pattern` for the whole text (`anchored: false`: for a part of it, as cosign's flags mean).
 *
 * @category schemas
 * @since 0.1.0
 */
export const TextMatcher = Schema.Union([
  Schema.Struct({ exact: Schema.String.check(Schema.isBetweenLength(1, maximumTextLength)) }),
  Schema.Struct({
    pattern: Schema.String.check(Schema.isBetweenLength(1, maximumPatternLength)),
    anchored: Schema.optionalKey(Schema.Boolean)
  })
])

/**
 * An exact text, or an RE2 pattern.
 *
 * @category models
 * @since 0.1.0
 */
export type TextMatcher = typeof TextMatcher.Type

/**
 * A text matcher that is ready for use.
 *
 * @category models
 * @since 0.1.0
 */
export interface Compiled {
  readonly matches: (text: string) => boolean
  /** The matcher in words, for messages. */
  readonly description: string
}

/**
 * Prepares a matcher; the failure says what is wrong with the pattern.
 *
 * A pattern that matches texts which have nothing in common, as `.*` does, is refused: it trusts everybody.
 *
 * @example
 * ```ts
 * import { TextMatcher } from "@lamina/signing"
 * import { Result } from "effect"
 *
 * const matcher = Result.getOrThrow(TextMatcher.compile({ pattern: "https://git\\.example/acme/.*" }))
 * console.log(matcher.matches("https://git.example/acme/app")) // => true
 * console.log(matcher.matches("https://evil.example/?https://git.example/acme/app")) // => false
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const compile = (matcher: TextMatcher): Result.Result<Compiled, string> =>
  "exact" in matcher
    ? Result.succeed({ matches: (text) => text === matcher.exact, description: JSON.stringify(matcher.exact) })
    : compilePattern(matcher.pattern, matcher.anchored ?? true)

const compilePattern = (pattern: string, anchored: boolean): Result.Result<Compiled, string> =>
  Result.gen(function*() {
    // Before it is compiled, since that is what takes time.
    const { classes, steps } = patternSize(pattern, maximumProgramSize)
    if (steps > maximumProgramSize || classes > maximumUnicodeClasses) return yield* Result.fail(tooLarge(pattern))
    // Compiled alone first: a pattern such as "a)|(b" must not break out of a group that is put around it.
    const expression = yield* Result.try({
      try: () => RE2JS.compile(pattern),
      catch: (cause) => `${JSON.stringify(pattern)} is not RE2: ${cause instanceof Error ? cause.message : "invalid"}`
    })
    if (expression.programSize() > maximumProgramSize) {
      return yield* Result.fail(tooLarge(pattern))
    }
    const matches = (text: string): boolean =>
      text.length <= maximumTextLength && (anchored ? expression.matches(text) : expression.matcher(text).find())
    if (unrelatedTexts.every(matches)) {
      return yield* Result.fail(`${JSON.stringify(pattern)} matches everything; name whom you trust`)
    }
    return { matches, description: `${anchored ? "the pattern" : "a part by the pattern"} ${JSON.stringify(pattern)}` }
  })

const tooLarge = (pattern: string): string =>
  `${JSON.stringify(pattern)} is too large; write fewer or smaller repetitions and classes`

const unrelatedTexts = ["x", "https://somewhere.invalid/a/b@refs/heads/c", "somebody@nowhere.invalid", "0 &%"]
