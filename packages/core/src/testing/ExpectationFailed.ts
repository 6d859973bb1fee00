/**
 * A comparison that failed, in the form in which test runners (vitest, node:test, mocha) know it.
 *
 * @since 0.1.0
 */

const shownCharacters = 500

/** The runner shows both sides whole; the message is one line of it, in which `null` stands for nobody and nothing. */
const shown = (side: unknown): string => {
  const text = JSON.stringify(side, (_, inner: unknown) => inner ?? null)
  return text.length > shownCharacters ? `${text.slice(0, shownCharacters)}…` : text
}

/**
 * What runners show: the message, and the difference of `actual` and `expected`. It is thrown, as assertions are.
 *
 * @category errors
 * @since 0.1.0
 */
export class ExpectationFailed extends Error {
  override readonly name = "AssertionError"
  readonly code = "ERR_ASSERTION"
  readonly operator = "deepStrictEqual"
  readonly generatedMessage = false
  readonly showDiff = true
  readonly actual: unknown
  readonly expected: unknown

  constructor(
    failure: {
      readonly what: string
      readonly actual: unknown
      readonly expected: unknown
      /** What the two were taken from, rendered. */
      readonly context: string
    }
  ) {
    const { actual, context, expected, what } = failure
    super(`${what}: expected ${shown(expected)}, got ${shown(actual)}\n\n${context}`)
    this.actual = actual
    this.expected = expected
  }
}
