// Text or bytes -> plain data with the place of everything in it. Whatever comes in, the work is bounded: by bytes
// before anything else, by tokens and depth before the parser sees the text, and by values after it.
import * as Result from "effect/Result"
import { Composer, Parser } from "yaml"
import type { CST } from "yaml"
import type { Json } from "../ModuleManifest.ts"
import { linesOf, type PlacedFinding, type SourceLines, type Span } from "./IssueSink.ts"
import * as YamlTokens from "./YamlTokens.ts"
import * as YamlValues from "./YamlValues.ts"

export const maximumBytes = 256 * 1024
const shownErrors = 20

export interface YamlSource {
  readonly data: Json
  readonly places: YamlValues.Places
}

/** What reading came to: `source` is absent when a finding says why. */
export interface Reading {
  readonly text: string
  readonly lines: SourceLines
  readonly found: ReadonlyArray<PlacedFinding>
  readonly source: YamlSource | undefined
}

const decode = (bytes: Uint8Array): Result.Result<string, unknown> =>
  Result.try(() => new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes))

const sizeOf = (input: string | Uint8Array): number =>
  typeof input !== "string"
    ? input.byteLength
    : input.length > maximumBytes
    ? input.length
    : new TextEncoder().encode(input).length

const startSpan: Span = { start: 0, end: 1 }

const characterAt = (offset: number): Span => ({ start: offset, end: offset + 1 })

const refused = (text: string, span: Span, finding: Omit<PlacedFinding["finding"], "path">): Reading => ({
  text,
  lines: linesOf(text),
  found: [{ span, finding: { ...finding, path: [] } }],
  source: undefined
})

const oddities = (text: string, hasMark: boolean): ReadonlyArray<PlacedFinding> => {
  const found: Array<PlacedFinding> = []
  if (hasMark) {
    const message = "the file starts with a byte order mark"
    const hint = "save it as UTF-8 without one"
    found.push({ span: startSpan, finding: { code: "byte_order_mark", path: [], message, hint } })
  }
  const carriageReturn = text.indexOf("\r")
  if (carriageReturn >= 0) {
    const message = "the file has carriage returns at the ends of its lines"
    const hint = "save it with Unix line ends"
    found.push({ span: characterAt(carriageReturn), finding: { code: "carriage_return", path: [], message, hint } })
  }
  return found
}

/** What the parser makes of the tokens; after so many errors that nobody reads them all, nothing more. */
function* structureOf(tokens: ReadonlyArray<string>): Generator<CST.Token> {
  const parser = new Parser()
  let errors = 0
  for (const token of tokens) {
    for (const structure of parser.next(token)) {
      if (structure.type === "error" && ++errors > shownErrors) return
      yield structure
    }
  }
  yield* parser.end()
}

const syntaxProblem = (message: string, [start, end]: readonly [number, number]): PlacedFinding => ({
  span: { start, end },
  finding: { code: "yaml_syntax", path: [], message }
})

const documentOf = (text: string, tokens: ReadonlyArray<string>) => {
  const composer = new Composer({
    version: "1.2",
    schema: "core",
    merge: false,
    uniqueKeys: false,
    prettyErrors: false
  })
  const [document, another] = composer.compose(structureOf(tokens), true, text.length)
  const problems = (document?.errors ?? []).slice(0, shownErrors).map(({ message, pos }) => syntaxProblem(message, pos))
  if (another !== undefined) {
    const [start, end] = another.range
    problems.push(syntaxProblem("the file contains more than one document", [start, end]))
  }
  return { contents: document?.contents ?? null, problems }
}

const parse = (text: string, lines: SourceLines): Omit<Reading, "text" | "lines"> => {
  const tokens = YamlTokens.read(text)
  if (Result.isFailure(tokens)) {
    const { finding, offset } = tokens.failure
    return { found: [{ span: characterAt(offset), finding: { ...finding, path: [] } }], source: undefined }
  }
  const { contents, problems } = documentOf(text, tokens.success)
  if (problems.length > 0) return { found: problems, source: undefined }
  const { data, found, places } = YamlValues.read(contents, text, lines)
  return { found, source: data === undefined ? undefined : { data, places } }
}

export const read = (input: string | Uint8Array): Reading => {
  const size = sizeOf(input)
  if (size > maximumBytes) {
    const message = `the manifest has ${size} bytes, at most ${maximumBytes} are allowed`
    const hint = "let patterns stand for long lists, and say long texts and comments in fewer words"
    return refused("", startSpan, { code: "too_large", message, hint })
  }
  const decoded = typeof input === "string" ? Result.succeed(input) : decode(input)
  if (Result.isFailure(decoded) || /\p{Cs}/u.test(decoded.success)) {
    const hint = "save it as UTF-8"
    return refused("", startSpan, { code: "invalid_utf8", message: "the manifest is not UTF-8", hint })
  }
  const whole = decoded.success
  const control = /[^\P{Cc}\t\n\r]/u.exec(whole)
  if (control !== null) {
    const name = `U+${control[0].charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}`
    const message = `the manifest contains the control character ${name}`
    return refused(whole, characterAt(control.index), { code: "control_character", message })
  }
  const text = whole.startsWith("\uFEFF") ? whole.slice(1) : whole
  const lines = linesOf(text)
  const { found, source } = parse(text, lines)
  return { text, lines, found: [...oddities(text, text !== whole), ...found], source }
}
