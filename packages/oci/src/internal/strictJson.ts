/**
 * JSON that every parser reads alike. A digest covers bytes, but parsers differ in which of two equal keys wins, so a
 * document with one is refused rather than interpreted.
 */
import * as Result from "effect/Result"
import { LimitExceeded, Malformed } from "../RegistryError.ts"

const maximumDepth = 64

/** Parses UTF-8 JSON of bounded size and depth without duplicate keys. `what` names the document in errors. */
export const parse = (
  bytes: Uint8Array,
  what: string,
  maximumBytes: number
): Result.Result<unknown, Malformed | LimitExceeded> =>
  Result.gen(function*() {
    if (bytes.byteLength > maximumBytes) {
      return yield* Result.fail(new LimitExceeded({ what: `the size of the ${what} in bytes`, limit: maximumBytes }))
    }
    const malformed = (detail: string) => new Malformed({ what, detail })
    const text = yield* Result.try({
      try: () => new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes),
      catch: () => malformed("it is not UTF-8")
    })
    const value: unknown = yield* Result.try({
      try: (): unknown => JSON.parse(text),
      catch: () => malformed("it is not JSON")
    })
    const problem = findProblem(text)
    return problem === undefined ? value : yield* Result.fail(malformed(problem))
  })

/** Walks text that is known to be JSON once; an object's keys are a set on the stack, an array is `undefined`. */
const findProblem = (text: string): string | undefined => {
  const open: Array<Set<string> | undefined> = []
  let keyExpected = false
  for (let i = 0; i < text.length; i++) {
    switch (text[i]) {
      case "{":
      case "[":
        if (open.length >= maximumDepth) return `it is nested deeper than ${maximumDepth} levels`
        keyExpected = text[i] === "{"
        open.push(keyExpected ? new Set() : undefined)
        break
      case "}":
      case "]":
        open.pop()
        keyExpected = false
        break
      case ",":
        keyExpected = open.at(-1) !== undefined
        break
      case "\"": {
        const end = endOfString(text, i)
        const keys = open.at(-1)
        if (keyExpected && keys !== undefined) {
          // Escapes hide equal keys: "\u006c" is "l".
          const key = String(JSON.parse(text.slice(i, end + 1)))
          if (keys.has(key)) return `the key ${JSON.stringify(key.slice(0, 80))} appears twice`
          keys.add(key)
          keyExpected = false
        }
        i = end
        break
      }
    }
  }
  return undefined
}

const endOfString = (text: string, start: number): number => {
  let i = start + 1
  while (text[i] !== "\"") i += text[i] === "\\" ? 2 : 1
  return i
}
