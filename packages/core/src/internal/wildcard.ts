/**
 * Whether a text matches a pattern in which `*` stands for any characters. Linear in the text for each `*`, without
 * backtracking: the leftmost place for each piece is as good as any later one.
 */
export const matchesWildcard = (pattern: string, text: string): boolean => {
  const [first = "", ...rest] = pattern.split("*")
  const last = rest.pop()
  if (last === undefined) return text === first
  if (!text.startsWith(first)) return false

  let position = first.length
  for (const piece of rest) {
    const found = text.indexOf(piece, position)
    if (found === -1) return false
    position = found + piece.length
  }
  return text.length - last.length >= position && text.endsWith(last)
}
