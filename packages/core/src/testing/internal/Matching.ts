// Comparing what is with what was described, perhaps only in part.

const text = (value: unknown): string =>
  JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([left], [right]) => left < right ? -1 : 1))
      : inner) ?? "undefined"

export const isSame = (left: unknown, right: unknown): boolean => text(left) === text(right)

const fits = (actual: object, expected: object): boolean => {
  const fields = new Map<string, unknown>(Object.entries(actual))
  return Object.entries(expected).every(([key, value]) => value === undefined || isSame(fields.get(key), value))
}

/** For each of the expected ones the position of its own actual one, by augmenting paths; -1 where there is none. */
const paired = (actual: ReadonlyArray<object>, expected: ReadonlyArray<object>): ReadonlyArray<number> => {
  const takenBy = new Map<number, number>()
  const take = (wish: number, tried: Set<number>): boolean => {
    for (const [position, candidate] of actual.entries()) {
      if (tried.has(position) || !fits(candidate, expected[wish] ?? {})) continue
      tried.add(position)
      const holder = takenBy.get(position)
      if (holder === undefined || take(holder, tried)) {
        takenBy.set(position, wish)
        return true
      }
    }
    return false
  }
  for (const wish of expected.keys()) take(wish, new Set())
  const found = new Map([...takenBy].map(([position, wish]) => [wish, position]))
  return expected.map((_, wish) => found.get(wish) ?? -1)
}

/**
 * Both sides so that they are the same where each described one stands for one that is there and none is left over. One
 * that was found is shown as it was described, so that a difference shows nothing but what differs.
 */
export const exactly = <Actual extends object, Expected extends object>(
  actual: ReadonlyArray<Actual>,
  expected: ReadonlyArray<Expected>
): { readonly actual: ReadonlyArray<Actual | Expected>; readonly expected: ReadonlyArray<Expected> } => {
  const pairs = paired(actual, expected)
  const found = expected.filter((_, wish) => (pairs[wish] ?? -1) >= 0)
  const missing = expected.filter((_, wish) => (pairs[wish] ?? -1) < 0)
  const surplus = actual.filter((_, position) => !pairs.includes(position))
  return { actual: [...found, ...surplus], expected: [...found, ...missing] }
}
