/**
 * Edits (insert, delete, replace, swap neighbours) from one word to another, or more than `limit`. Only the diagonal
 * band of the table is filled that so few edits can reach.
 */
const distance = (from: string, to: string, limit: number): number => {
  if (Math.abs(from.length - to.length) > limit) return limit + 1
  const unreachable = limit + 1
  let beforeLast: ReadonlyArray<number> = []
  let last: ReadonlyArray<number> = Array.from({ length: Math.min(to.length, limit) + 1 }, (_, column) => column)
  for (let row = 1; row <= from.length; row++) {
    const next: Array<number> = []
    for (let column = Math.max(0, row - limit); column <= Math.min(to.length, row + limit); column++) {
      const isSame = from[row - 1] === to[column - 1]
      const isSwap = row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1]
      next[column] = column === 0 ? row : Math.min(
        (last[column] ?? unreachable) + 1,
        (next[column - 1] ?? unreachable) + 1,
        (last[column - 1] ?? unreachable) + (isSame ? 0 : 1),
        isSwap ? (beforeLast[column - 2] ?? unreachable) + 1 : unreachable
      )
    }
    beforeLast = last
    last = next
  }
  return last[to.length] ?? unreachable
}

const maximumLength = 64
const maximumCandidates = 500

/** The known word that a misspelt one was probably meant to be. */
export const nearest = (word: string, known: ReadonlyArray<string>): string | undefined => {
  if (word.length > maximumLength || known.length > maximumCandidates) return undefined
  const limit = word.length < 4 ? 1 : word.length < 8 ? 2 : 3
  const normal = word.toLowerCase().replaceAll("-", "_")
  const [best] = known
    .map((candidate) => ({ candidate, edits: distance(normal, candidate.toLowerCase().replaceAll("-", "_"), limit) }))
    .filter(({ edits }) => edits <= limit)
    .sort((left, right) => left.edits - right.edits)
  return best?.candidate
}

/** The hint that follows from it. */
export const didYouMean = (word: string, known: ReadonlyArray<string>): string | undefined => {
  const candidate = nearest(word, known)
  return candidate === undefined ? undefined : `did you mean \`${candidate}\`?`
}
