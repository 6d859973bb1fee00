// What an RE2 pattern would be compiled to, without compiling it: counted repetitions are written out by the compiler, so
// that a thousand characters become a hundred thousand steps, and a class of Unicode is a table of its own.

// A count after flags or after an empty quotation (`nothing`) repeats what stands before those.
const part =
  /(?<nothing>\(\?[A-Za-z-]*\)|\\Q\\E)|(?<quoted>\\Q[\s\S]*?(?:\\E|$))|\\[pPx]\{[^}]*\}|\\[\s\S]|(?<operator>[*+?])|\{(?<least>\d{1,4})(?:,(?<most>\d{0,4}))?\}|\[\^?\]?(?:\[:\^?[a-z]+:\]|\\[\s\S]|[^\]\\])*\]?|[\s\S]/g

// To ignore the case of a range, every character of it is looked up, which is the work of many classes.
const classesOfARange = 16

const unicodeClasses = (text: string): number => {
  const classes = text.match(/\\[pP]/g)?.length ?? 0
  const ranges = /\(\?[A-Za-z]*i/.test(text) ? text.match(/-(?:\\[x0-7]|[^\0-\x7f])/g)?.length ?? 0 : 0
  return classes + classesOfARange * ranges
}

/**
 * About how many steps the pattern stands for, not more than `most` + 1, and how many classes of Unicode it names, ranges
 * whose case is ignored among them.
 */
export const patternSize = (pattern: string, most: number): { readonly steps: number; readonly classes: number } => {
  const outer: Array<number> = []
  let steps = 0
  let last = 0
  for (const { 0: text, groups = {} } of pattern.matchAll(part)) {
    if (groups["nothing"] !== undefined) continue
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
    } else if (groups["operator"] !== undefined) {
      steps++
      last++
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
