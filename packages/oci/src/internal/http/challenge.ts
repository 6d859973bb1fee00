/** `WWW-Authenticate`, by RFC 7235: several challenges in one header, quoted commas and escapes, any letter case. */

/** One way to authenticate: the scheme and the names of the parameters in lower case. */
export interface Challenge {
  readonly scheme: string
  readonly parameters: ReadonlyMap<string, string>
}

const maximumLength = 16 * 1024

const separator = /[ \t,]*/y
const token = /[!#$%&'*+\-.^_`|~0-9A-Za-z]+/y
const equals = /[ \t]*=[ \t]*/y
const quoted = /"((?:[^"\\]|\\.)*)"/y
const token68 = /[ \t]+[A-Za-z0-9\-._~+/]+=*(?=[ \t]*(?:,|$))/y

/** Reads the challenges of a header up to the first thing that makes no sense. */
export const parse = (header: string): ReadonlyArray<Challenge> => {
  const text = header.slice(0, maximumLength)
  const challenges: Array<{ scheme: string; parameters: Map<string, string> }> = []
  let position = 0
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = position
    const match = pattern.exec(text)
    if (match !== null) position = pattern.lastIndex
    return match
  }
  for (;;) {
    take(separator)
    const name = take(token)?.[0].toLowerCase()
    if (name === undefined) return challenges
    if (take(equals) !== null) {
      const escaped = take(quoted)?.[1]
      const value = escaped === undefined ? take(token)?.[0] : escaped.replaceAll(/\\(.)/g, "$1")
      const parameters = challenges.at(-1)?.parameters
      if (value === undefined || parameters === undefined) return challenges
      // A parameter must not appear twice; the first one counts.
      if (!parameters.has(name)) parameters.set(name, value)
    } else {
      challenges.push({ scheme: name, parameters: new Map() })
      take(token68)
    }
  }
}
