// Text or bytes -> plain data with the place of everything in it. Whatever comes in, the work is bounded: by bytes
// before anything else, by tokens and depth before the recursive composer of `yaml` sees the text, and by nodes (aliases
// counted as often as they are used) after it.
import * as Result from "effect/Result"
import { CST, isAlias, isMap, isScalar, isSeq, Lexer, parseDocument } from "yaml"
import type { Node as YamlNode, YAMLMap, YAMLSeq } from "yaml"
import type { ManifestIssue } from "../ManifestIssue.ts"
import type { Json } from "../ModuleManifest.ts"
import { byPlace, type Finding, issueAt, linesOf, type Path, type SourceLines, type Span } from "./IssueSink.ts"

export const maximumBytes = 256 * 1024
const maximumTokens = 50_000
const maximumNodes = 20_000
const maximumDepth = 64
const maximumIndent = 256
const shownErrors = 20

export interface YamlSource {
  readonly data: Json
  /** Where a value stands; where a key's value is missing or comes from an alias, the nearest thing above it. */
  readonly valueSpan: (path: Path) => Span
  /** Where a key stands; for an entry of a list, the entry. */
  readonly keySpan: (path: Path) => Span
  /** A scalar as it was written. */
  readonly written: (path: Path) => string | undefined
}

/** What reading came to: `source` is absent when an issue says why. */
export interface Reading {
  readonly text: string
  readonly lines: SourceLines
  readonly issues: ReadonlyArray<ManifestIssue>
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

const refused = (text: string, span: Span, finding: Omit<Finding, "path">): Reading => {
  const lines = linesOf(text)
  return { text, lines, issues: [issueAt(lines, span, { ...finding, path: [] })], source: undefined }
}

const oddities = (text: string, hasMark: boolean, lines: SourceLines): ReadonlyArray<ManifestIssue> => {
  const found: Array<ManifestIssue> = []
  if (hasMark) {
    const message = "the file starts with a byte order mark"
    found.push(
      issueAt(lines, startSpan, { code: "byte_order_mark", path: [], message, hint: "save it as UTF-8 without one" })
    )
  }
  const carriageReturn = text.indexOf("\r")
  if (carriageReturn >= 0) {
    const message = "the file has carriage returns at the ends of its lines"
    const span = { start: carriageReturn, end: carriageReturn + 1 }
    found.push(
      issueAt(lines, span, { code: "carriage_return", path: [], message, hint: "save it with Unix line ends" })
    )
  }
  return found
}

/** Marks of the lexer's own, which stand for no text. */
const isMark = (type: string | null): boolean => type === "doc-mode" || type === "flow-error-end" || type === "scalar"

/** Counts tokens and depth with the lexer, which does not recurse. */
const measure = (text: string): { readonly offset: number; readonly finding: Omit<Finding, "path"> } | undefined => {
  let offset = 0
  let tokens = 0
  let flow = 0
  let indicators = 0
  let indent = 0
  let isLineStart = true
  let isScalar = false
  for (const token of new Lexer().lex(text)) {
    // The text of a scalar follows a mark of the lexer's own, and may look like any other token.
    const type: string | null = isScalar ? "scalar-text" : CST.tokenType(token)
    isScalar = type === "scalar"
    if (++tokens > maximumTokens) {
      const message = `the manifest has more than ${maximumTokens} tokens`
      return { offset, finding: { code: "too_complex", message, hint: "split long lists into patterns" } }
    }
    if (type === "newline") {
      indicators = 0
      indent = 0
      isLineStart = true
    } else if (type === "space") {
      if (isLineStart && flow === 0) indent = token.length
    } else if (type !== "comment" && !isMark(type)) {
      isLineStart = false
      if (type === "flow-map-start" || type === "flow-seq-start") flow++
      else if (type === "flow-map-end" || type === "flow-seq-end") flow = Math.max(0, flow - 1)
      else if (flow === 0 && /^(?:seq-item-ind|explicit-key-ind|map-value-ind)$/.test(type ?? "")) indicators++
      if (flow + indicators > maximumDepth || indent > maximumIndent) {
        const message = `the manifest is nested more than ${maximumDepth} deep`
        return { offset, finding: { code: "too_deep", message } }
      }
    }
    if (!isMark(type)) offset += token.length
  }
  return undefined
}

const coreTags = /^tag:yaml\.org,2002:(?:str|int|float|bool|null|map|seq)$/

const keyOf = (path: Path): string => JSON.stringify(path)

interface Place {
  readonly key: Span
  readonly value: Span | undefined
  readonly written: string | undefined
}

/** Walks the parsed document, whose depth was measured before. */
class Conversion {
  readonly places = new Map<string, Place>()
  readonly found: Array<{ readonly span: Span; readonly finding: Finding }> = []
  readonly #anchors = new Map<string, { readonly data: Json; readonly nodes: number }>()
  #nodes = 0
  readonly #text: string
  readonly #lines: SourceLines

  constructor(text: string, lines: SourceLines) {
    this.#text = text
    this.#lines = lines
  }

  get isExhausted(): boolean {
    return this.#nodes > maximumNodes
  }

  convert(node: YamlNode | null | undefined, path: Path, key: Span): Json {
    const value = this.#spanOf(node)
    this.places.set(keyOf(path), { key, value, written: isScalar(node) ? node.source : undefined })
    const before = this.#nodes
    if (++this.#nodes > maximumNodes) return null
    if (node === null || node === undefined) return null
    if (isAlias(node)) return this.#alias(node.source, path, value ?? key)
    if (node.tag !== undefined && !coreTags.test(node.tag)) {
      this.#report(value ?? key, {
        code: "yaml_tag",
        path,
        message: `the tag ${node.tag} is not supported`,
        hint: "remove it"
      })
    }
    const data = isMap(node) ? this.#map(node, path, key) : isSeq(node) ? this.#list(node, path) : this.#scalar(node)
    const anchor = "anchor" in node ? node.anchor : undefined
    if (typeof anchor === "string") this.#anchors.set(anchor, { data, nodes: this.#nodes - before })
    return data
  }

  #spanOf(node: YamlNode | null | undefined): Span | undefined {
    const range = node?.range
    if (range === null || range === undefined) return undefined
    const [start, valueEnd] = range
    const written = this.#text.slice(start, valueEnd)
    const firstLine = written.split("\n", 1)[0] ?? ""
    return { start, end: start + firstLine.trimEnd().length }
  }

  #report(span: Span, finding: Finding): void {
    this.found.push({ span, finding })
  }

  #alias(name: string, path: Path, span: Span): Json {
    const anchor = this.#anchors.get(name)
    if (anchor === undefined) {
      this.#report(span, {
        code: "unknown_alias",
        path,
        message: `no anchor &${name} stands before the alias *${name}`
      })
      return null
    }
    this.#nodes += anchor.nodes
    return anchor.data
  }

  #scalar(node: YamlNode): Json {
    const value = isScalar(node) ? node.value : null
    return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? value : null
  }

  #list(node: YAMLSeq, path: Path): Json {
    const list: Array<Json> = []
    for (const [index, item] of node.items.entries()) {
      if (this.isExhausted) break
      const itemNode = isNode(item) ? item : null
      list.push(this.convert(itemNode, [...path, index], this.#spanOf(itemNode) ?? startSpan))
    }
    return list
  }

  #map(node: YAMLMap, path: Path, mapKey: Span): Json {
    const entries = new Map<string, Json>()
    for (const pair of node.items) {
      if (this.isExhausted) break
      const keyNode = isNode(pair.key) ? pair.key : undefined
      const span = this.#spanOf(keyNode) ?? mapKey
      const key = isScalar(keyNode) ? keyNode.value : undefined
      if (typeof key !== "string") {
        const message = `a key must be a text, not ${isScalar(keyNode) ? String(key) : "a list, a map or an alias"}`
        this.#report(span, { code: "invalid_key", path, message, hint: "quote it" })
      } else if (key === "<<") {
        const message = "merge keys are not part of YAML 1.2"
        this.#report(span, { code: "merge_key", path, message, hint: "write the keys out" })
      } else if (key === "__proto__") {
        this.#report(span, { code: "reserved_key", path, message: "the key __proto__ is reserved" })
      } else if (entries.has(key)) {
        const first = this.places.get(keyOf([...path, key]))?.key.start ?? 0
        const line = this.#lines.place(first).line
        const message = `the key \`${key}\` stands here twice`
        this.#report(span, {
          code: "duplicate_key",
          path: [...path, key],
          message,
          hint: `the first is on line ${line}`
        })
      } else {
        entries.set(key, this.convert(isNode(pair.value) ? pair.value : null, [...path, key], span))
      }
    }
    return Object.fromEntries(entries)
  }
}

const isNode = (value: unknown): value is YamlNode => isAlias(value) || isScalar(value) || isMap(value) || isSeq(value)

const syntaxMessage = (code: string, message: string): string =>
  code === "MULTIPLE_DOCS" ? "the file contains more than one document" : message

const nearest = (places: ReadonlyMap<string, Place>, path: Path): Place | undefined => {
  for (let length = path.length; length > 0; length--) {
    const place = places.get(keyOf(path.slice(0, length)))
    if (place !== undefined) return place
  }
  return places.get(keyOf([]))
}

const parse = (text: string, lines: SourceLines): Omit<Reading, "text" | "lines"> => {
  const document = parseDocument(text, {
    version: "1.2",
    schema: "core",
    merge: false,
    uniqueKeys: false,
    prettyErrors: false,
    // Not "silent": that would drop the error about a second document.
    logLevel: "error"
  })
  if (document.errors.length > 0) {
    const issues = document.errors.slice(0, shownErrors).map(({ code, message, pos: [start, end] }) =>
      issueAt(lines, { start, end }, { code: "yaml_syntax", path: [], message: syntaxMessage(code, message) })
    )
    return { issues, source: undefined }
  }
  const conversion = new Conversion(text, lines)
  const data = conversion.convert(document.contents, [], startSpan)
  if (conversion.isExhausted) {
    const message = `the manifest has more than ${maximumNodes} values, counting what aliases repeat`
    return { issues: [issueAt(lines, startSpan, { code: "too_complex", path: [], message })], source: undefined }
  }
  const issues = conversion.found.map(({ finding, span }) => issueAt(lines, span, finding))
  const { places } = conversion
  const source: YamlSource = {
    data,
    valueSpan: (path) => nearest(places, path)?.value ?? nearest(places, path)?.key ?? startSpan,
    keySpan: (path) => nearest(places, path)?.key ?? startSpan,
    written: (path) => places.get(keyOf(path))?.written
  }
  return { issues, source }
}

export const read = (input: string | Uint8Array): Reading => {
  const size = sizeOf(input)
  if (size > maximumBytes) {
    const message = `the manifest has ${size} bytes, at most ${maximumBytes} are allowed`
    return refused("", startSpan, { code: "too_large", message })
  }
  const decoded = typeof input === "string" ? Result.succeed(input) : decode(input)
  const isWellFormed = Result.isSuccess(decoded) && !/\p{Cs}/u.test(decoded.success)
  if (!isWellFormed) {
    return refused("", startSpan, {
      code: "invalid_utf8",
      message: "the manifest is not UTF-8",
      hint: "save it as UTF-8"
    })
  }
  const whole = decoded.success
  const control = /[^\P{Cc}\t\n\r]/u.exec(whole)
  if (control !== null) {
    const name = `U+${control[0].charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}`
    const span = { start: control.index, end: control.index + 1 }
    return refused(whole, span, {
      code: "control_character",
      message: `the manifest contains the control character ${name}`
    })
  }
  const text = whole.startsWith("\uFEFF") ? whole.slice(1) : whole
  const tooMuch = measure(text)
  if (tooMuch !== undefined) return refused(text, { start: tooMuch.offset, end: tooMuch.offset + 1 }, tooMuch.finding)
  const lines = linesOf(text)
  const { issues, source } = parse(text, lines)
  return { text, lines, issues: [...oddities(text, text !== whole, lines), ...issues].sort(byPlace), source }
}
