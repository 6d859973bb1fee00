// What an RE2 pattern would be compiled to, without compiling it: counted repetitions are written out by the compiler, so
// that a thousand characters become a hundred thousand steps, and a class of Unicode is a table of its own.

const part =
  /(?<quoted>\\Q[\s\S]*?(?:\\E|$))|\\[\s\S]|\{(?<least>\d{1,4})(?:,(?<most>\d{0,4}))?\}|\[\^?\]?(?:\[:\^?[a-z]+:\]|\\[\s\S]|[^\]\\])*\]?|[\s\S]/g

const unicodeClasses = (text: string): number => text.match(/\\[pP]/g)?.length ?? 0

/** About how many steps the pattern stands for, not more than `most` + 1, and how many classes of Unicode it names. */
export const patternSize = (pattern: string, most: number): { readonly steps: number; readonly classes: number } => {
  const outer: Array<number> = []
  let steps = 0
  let last = 0
  for (const { 0: text, groups = {} } of pattern.matchAll(part)) {
    if (text === "(") {
      outer.push(steps)
      steps = 0
    } else if (text === ")") {
      last = steps + 1
      steps = last + (outer.pop() ?? 0)
    } else if (groups["least"] !== undefined) {
      const times = Math.max(1, Number(groups["least"]), Number(groups["most"] ?? 0))
      steps += last * (times - 1)
      last *= times
    } else {
      last = 1
      steps += groups["quoted"]?.length ?? 1
    }
    if (steps > most) break
  }
  return {
    steps: Math.min(outer.reduce((sum, before) => sum + before, steps), most + 1),
    classes: unicodeClasses(pattern)
  }
}
