// A parsed document -> plain data, with the place of everything in it. The document's depth was bounded before; aliases
// are counted as often as they are used.
import { isAlias, isMap, isScalar, isSeq } from "yaml"
import type { Node as YamlNode, YAMLMap, YAMLSeq } from "yaml"
import { renderPath } from "../ManifestIssue.ts"
import type { Json } from "../ModuleManifest.ts"
import type { Finding, Path, PlacedFinding, SourceLines, Span } from "./IssueSink.ts"

const maximumNodes = 3000
const maximumKeyLength = 256
// The format's own maps have at most thirty keys; the others are environments and metadata.
export const maximumKeys = 256
// Patterns and packages are texts; of services, ports and dependencies nobody has as many.
export const maximumNested = 256

/** A value in the text: its own node, the node of its key, and what stands inside it. */
interface Place {
  readonly key: YamlNode | undefined
  readonly value: YamlNode | undefined
  readonly inside: Map<string | number, Place>
}

const coreTags = /^tag:yaml\.org,2002:(?:str|int|float|bool|null|map|seq)$/

const isNode = (value: unknown): value is YamlNode => isAlias(value) || isScalar(value) || isMap(value) || isSeq(value)

const nodeOf = (value: unknown): YamlNode | undefined => isNode(value) ? value : undefined

const startSpan: Span = { start: 0, end: 1 }

const noPlaces: Map<string | number, Place> = new Map()

const makePlace = (key: YamlNode | undefined, value: YamlNode | undefined): Place => ({
  key,
  value,
  inside: isMap(value) || isSeq(value) ? new Map() : noPlaces
})

/** The first line of what a node was written as. */
const spanOf = (node: YamlNode | undefined, text: string): Span | undefined => {
  const range = node?.range
  if (range === null || range === undefined) return undefined
  const [start, valueEnd] = range
  const lineEnd = text.indexOf("\n", start)
  const end = lineEnd < 0 ? valueEnd : Math.min(valueEnd, lineEnd)
  return { start, end: start + text.slice(start, end).trimEnd().length }
}

/** Where the values of a document stand. */
export class Places {
  readonly #root: Place
  readonly #text: string

  constructor(root: Place, text: string) {
    this.#root = root
    this.#text = text
  }

  /** Where a value stands; where a key's value is missing or comes from an alias, the nearest thing above it. */
  valueSpan(path: Path): Span {
    const place = this.#nearest(path)
    return spanOf(place.value, this.#text) ?? spanOf(place.key, this.#text) ?? startSpan
  }

  /** Where a key stands; for an entry of a list, the entry. */
  keySpan(path: Path): Span {
    return spanOf(this.#nearest(path).key, this.#text) ?? startSpan
  }

  /** A scalar as it was written. */
  written(path: Path): string | undefined {
    const value = path.reduce<Place | undefined>((place, part) => place?.inside.get(part), this.#root)?.value
    return isScalar(value) ? value.source : undefined
  }

  #nearest(path: Path): Place {
    let place = this.#root
    for (const part of path) {
      const next = place.inside.get(part)
      if (next === undefined) return place
      place = next
    }
    return place
  }
}

const fewer = "leave some out, or make two modules of it"

const whatAt = (path: Path): string => path.length === 0 ? "the manifest" : `\`${renderPath(path)}\``

class Conversion {
  readonly found: Array<PlacedFinding> = []
  readonly #anchors = new Map<string, { readonly data: Json; readonly nodes: number }>()
  #nodes = 0
  #refusal: PlacedFinding | undefined
  readonly #text: string
  readonly #lines: SourceLines

  constructor(text: string, lines: SourceLines) {
    this.#text = text
    this.#lines = lines
  }

  /** The bound that was met, after which nothing more is read. */
  get refusal(): PlacedFinding | undefined {
    return this.#refusal
  }

  convert(place: Place, path: Path): Json {
    const { value: node } = place
    const before = this.#nodes
    this.#count(1)
    if (node === undefined || this.#refusal !== undefined) return null
    if (isAlias(node)) return this.#alias(node.source, path, node)
    if (node.tag !== undefined && !coreTags.test(node.tag)) {
      const message = `the tag ${node.tag} is not supported`
      this.#report(node, { code: "yaml_tag", path, message, hint: "remove it" })
    }
    const data = isMap(node)
      ? this.#map(node, place, path)
      : isSeq(node)
      ? this.#list(node, place, path)
      : this.#scalar(node)
    const anchor = "anchor" in node ? node.anchor : undefined
    if (typeof anchor === "string") this.#anchors.set(anchor, { data, nodes: this.#nodes - before })
    return data
  }

  #placed(node: YamlNode | undefined, finding: Finding): PlacedFinding {
    return { span: spanOf(node, this.#text) ?? startSpan, finding }
  }

  #report(node: YamlNode | undefined, finding: Finding): void {
    this.found.push(this.#placed(node, finding))
  }

  #refuse(node: YamlNode | undefined, finding: Finding): void {
    this.#refusal ??= this.#placed(node, finding)
  }

  #count(nodes: number): void {
    this.#nodes += nodes
    if (this.#nodes <= maximumNodes) return
    const message = `the manifest has more than ${maximumNodes} values, counting what aliases repeat`
    const hint = "let patterns stand for long lists, and repeat less with aliases"
    this.#refuse(undefined, { code: "too_complex", path: [], message, hint })
  }

  #alias(name: string, path: Path, node: YamlNode): Json {
    const anchor = this.#anchors.get(name)
    if (anchor === undefined) {
      const message = `no anchor &${name} stands before the alias *${name}`
      this.#report(node, { code: "unknown_alias", path, message })
      return null
    }
    this.#count(anchor.nodes)
    return anchor.data
  }

  #scalar(node: YamlNode): Json {
    const value = isScalar(node) ? node.value : null
    return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? value : null
  }

  #list(node: YAMLSeq, place: Place, path: Path): Json {
    const nested = node.items.filter((item) => isMap(item) || isSeq(item)).length
    if (nested > maximumNested) {
      const message = `${whatAt(path)} has ${nested} maps and lists, at most ${maximumNested} are allowed`
      this.#refuse(place.key ?? node, { code: "too_many", path, message, hint: fewer })
    }
    const list: Array<Json> = []
    for (const [index, item] of node.items.entries()) {
      if (this.#refusal !== undefined) break
      const itemNode = nodeOf(item)
      const inner = makePlace(itemNode, itemNode)
      place.inside.set(index, inner)
      list.push(this.convert(inner, [...path, index]))
    }
    return list
  }

  #map(node: YAMLMap, place: Place, path: Path): Json {
    const entries = new Map<string, Json>()
    if (node.items.length > maximumKeys) {
      const message = `${whatAt(path)} has ${node.items.length} keys, at most ${maximumKeys} are allowed`
      this.#refuse(place.key ?? node, { code: "too_many", path, message, hint: fewer })
    }
    for (const pair of node.items) {
      if (this.#refusal !== undefined) break
      const keyNode = nodeOf(pair.key)
      const key = isScalar(keyNode) ? keyNode.value : undefined
      const problem = this.#keyProblem(key, keyNode, place, path)
      if (problem !== undefined) this.#report(keyNode ?? place.key, problem)
      else if (typeof key === "string") {
        const inner = makePlace(keyNode, nodeOf(pair.value))
        place.inside.set(key, inner)
        entries.set(key, this.convert(inner, [...path, key]))
      }
    }
    return Object.fromEntries(entries)
  }

  #keyProblem(key: unknown, node: YamlNode | undefined, { inside }: Place, path: Path): Finding | undefined {
    if (typeof key !== "string") {
      const message = `a key must be a text, not ${isScalar(node) ? String(key) : "a list, a map or an alias"}`
      return { code: "invalid_key", path, message, hint: "quote it" }
    }
    if (key.length > maximumKeyLength) {
      const message = `a key has ${key.length} characters, at most ${maximumKeyLength} are allowed`
      return { code: "invalid_key", path, message }
    }
    if (key === "<<") {
      const message = "merge keys are not part of YAML 1.2"
      return { code: "merge_key", path, message, hint: "write the keys out" }
    }
    if (key === "__proto__") return { code: "reserved_key", path, message: "the key __proto__ is reserved" }
    const first = inside.get(key)
    if (first === undefined) return undefined
    const { line } = this.#lines.place(spanOf(first.key, this.#text)?.start ?? 0)
    const message = `the key \`${key}\` stands here twice`
    return { code: "duplicate_key", path: [...path, key], message, hint: `the first is on line ${line}` }
  }
}

/** What a document says; `data` is absent when it says too much. */
export interface Values {
  readonly data: Json | undefined
  readonly places: Places
  readonly found: ReadonlyArray<PlacedFinding>
}

export const read = (contents: YamlNode | null, text: string, lines: SourceLines): Values => {
  const root = makePlace(undefined, contents ?? undefined)
  const conversion = new Conversion(text, lines)
  const data = conversion.convert(root, [])
  const places = new Places(root, text)
  const { found, refusal } = conversion
  return refusal === undefined ? { data, places, found } : { data: undefined, places, found: [refusal] }
}
