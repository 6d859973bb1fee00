// What zod found, said as findings about the author's text.
import type * as z from "zod"
import { codes, type ManifestIssueCode, renderPath } from "../ManifestIssue.ts"
import type { Json } from "../ModuleManifest.ts"
import { keysAt } from "./DocumentSchema.ts"
import type { Finding, Path, PlacedFinding } from "./IssueSink.ts"
import { didYouMean } from "./Suggestion.ts"
import type { YamlSource } from "./YamlSource.ts"

const pathOf = (path: ReadonlyArray<PropertyKey>): Path =>
  path.map((part) => typeof part === "number" ? part : String(part))

export const valueAt = (data: Json, path: Path): Json | undefined =>
  path.reduce<Json | undefined>((value, part) => {
    if (typeof value !== "object" || value === null) return undefined
    return Object.getOwnPropertyDescriptor(value, part)?.value
  }, data)

const kindOf = (value: Json | undefined): string => {
  if (value === undefined || value === null) return "nothing"
  if (Array.isArray(value)) return "a list"
  return { string: "a text", number: "a number", boolean: "true or false" }[String(typeof value)] ?? "a map"
}

const expectedKinds: { readonly [type: string]: string } = {
  string: "a text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "a map",
  record: "a map"
}

const isNumeric = (text: string): boolean => /^-?[0-9]+(?:\.[0-9]+)?$/.test(text)

/** What YAML 1.1 took for true and false, and YAML 1.2 takes for texts. */
const booleanMeant = (text: string): boolean | undefined =>
  /^(?:true|yes|y|on)$/i.test(text) ? true : /^(?:false|no|n|off)$/i.test(text) ? false : undefined

const typeHint = (expected: string, value: Json | undefined, written: string | undefined): string | undefined => {
  if (expected === "string" && (typeof value === "number" || typeof value === "boolean")) {
    return `quote it: ${JSON.stringify(written ?? String(value))}`
  }
  if (expected === "array" && typeof value === "string") return "write each entry on a line of its own, after `- `"
  if (expected === "boolean" && typeof value === "string") {
    const meant = booleanMeant(value)
    return meant === undefined ? undefined : `write ${meant}, without quotes`
  }
  if ((expected === "number" || expected === "int") && typeof value === "string") {
    return isNumeric(value) ? "write it without quotes" : undefined
  }
  if (value !== null) return undefined
  return expected === "array" ? "an empty list is []" : "leave the key out where there is nothing to say"
}

const formatHints: { readonly [key: string]: string } = {
  ubuntu_digest: "sha256: and 64 lower-case hexadecimal digits",
  apt_snapshot: "like 20260415T000000Z",
  env: "letters, digits and _, not starting with a digit"
}

const nameHint = "lower-case letters, digits and hyphens, starting with a letter and not ending in a hyphen, at most 64"
const serviceNameHint = "lower-case letters, digits and hyphens, not starting with a hyphen, at most 63"

const shown = (value: Json | undefined): string => {
  const text = JSON.stringify(value) ?? "nothing"
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}

const isCode = (text: string): text is ManifestIssueCode => Object.hasOwn(codes, text)

type SizeIssue = z.core.$ZodIssueTooBig | z.core.$ZodIssueTooSmall

const bounds = (issue: SizeIssue): string =>
  issue.code === "too_big" ? `at most ${issue.maximum}` : `at least ${issue.minimum}`

const sizeFinding = (issue: SizeIssue, path: Path, value: Json | undefined): Finding => {
  const what = `\`${renderPath(path)}\``
  if (typeof value === "string") {
    const message = `${what} has ${value.length} characters, ${bounds(issue)} are allowed`
    return { code: "too_long", path, message, hint: "say it in fewer words" }
  }
  if (Array.isArray(value)) {
    const message = `${what} has ${value.length} entries, ${bounds(issue)} are allowed`
    return { code: "too_many", path, message, hint: "leave some out, or make two modules of it" }
  }
  return { code: "out_of_range", path, message: `${what} is ${shown(value)}, expected ${bounds(issue)}` }
}

const formatFinding = (message: string, path: Path, value: Json | undefined): Finding => {
  const code = isCode(message) ? message : "invalid_format"
  const last = path.at(-1)
  const hint = code === "invalid_name"
    ? path[0] === "services" ? serviceNameHint : nameHint
    : formatHints[String(path.at(-2) === "env" ? "env" : last)]
  return { code, path, message: `\`${renderPath(path)}\` is ${shown(value)}, which does not have the right form`, hint }
}

/** The keys of the other half of the wrapped shape are a slip of the place, not of the word. */
const elsewhere = (schema: z.ZodType, key: string, path: Path): string | undefined => {
  if (path.length === 0 && keysAt(schema, ["identity"]).includes(key)) return "it stands under `identity`"
  return path.length === 1 && path[0] === "identity" && keysAt(schema, []).includes(key)
    ? "it stands beside `identity`, not under it"
    : undefined
}

const missing = (path: Path): Finding => {
  const parent = path.slice(0, -1)
  const where = parent.length === 0 ? "the manifest" : `\`${renderPath(parent)}\``
  return { code: "missing_key", path, message: `${where} has no \`${path.at(-1)}\`` }
}

/** One zod issue; a few of them say several things. */
const findingsOf = (schema: z.ZodType, source: YamlSource, issue: z.core.$ZodIssue): ReadonlyArray<PlacedFinding> => {
  const path = pathOf(issue.path)
  const value = valueAt(source.data, path)
  const { places } = source
  const place = (finding: Finding, span = places.valueSpan(path)): ReadonlyArray<PlacedFinding> => [{ span, finding }]
  const what = path.length === 0 ? "the manifest" : `\`${renderPath(path)}\``
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => {
        const keyPath = [...path, key]
        const hint = () => elsewhere(schema, key, path) ?? didYouMean(key, keysAt(schema, issue.path))
        const message = path.length === 0 ? `unknown key \`${key}\`` : `unknown key \`${key}\` in ${what}`
        return { span: places.keySpan(keyPath), finding: { code: "unknown_key", path: keyPath, message, hint } }
      })
    case "invalid_type": {
      if (value === undefined) return place(missing(path), places.keySpan(path.slice(0, -1)))
      const expected = expectedKinds[issue.expected] ?? issue.expected
      const hint = typeHint(issue.expected, value, places.written(path))
      if (issue.expected === "int" && typeof value === "number") {
        return place({ code: "wrong_type", path, message: `${what} is ${value}, expected a whole number` })
      }
      return place({ code: "wrong_type", path, message: `${what} is ${kindOf(value)}, expected ${expected}`, hint })
    }
    case "invalid_value": {
      if (value === undefined) return place(missing(path), places.keySpan(path.slice(0, -1)))
      const known = issue.values.map(String)
      const message = `${what} is ${shown(value)}, expected ${known.join(", ")}`
      const isQuoted = typeof value === "string" && known.includes(value)
      const hint = () => isQuoted ? "write it without quotes" : didYouMean(String(value), known)
      return place({ code: "invalid_value", path, message, hint })
    }
    case "invalid_format":
      return place(formatFinding(issue.message, path, value))
    case "invalid_key":
      return place(
        {
          ...formatFinding("invalid_format", path, path.at(-1)),
          message: `\`${path.at(-1)}\` cannot be a key of \`${renderPath(path.slice(0, -1))}\``
        },
        places.keySpan(path)
      )
    case "invalid_union":
      return place({ code: "wrong_type", path, message: `${what} is ${kindOf(value)}, expected a text or a number` })
    case "too_big":
    case "too_small":
      return place(sizeFinding(issue, path, value))
    default:
      return place({ code: "invalid_value", path, message: `${what} is ${shown(value)}: ${issue.message}` })
  }
}

/** What zod found; `uncounted` more findings nobody would be shown, so they were not made. */
export interface SchemaFindings {
  readonly found: ReadonlyArray<PlacedFinding>
  readonly uncounted: number
}

export const findings = (
  schema: z.ZodType,
  source: YamlSource,
  issues: ReadonlyArray<z.core.$ZodIssue>,
  most: number
): SchemaFindings => {
  const told = issues.slice(0, most)
  const uncounted = issues.slice(most).reduce(
    (sum, issue) => sum + (issue.code === "unrecognized_keys" ? issue.keys.length : 1),
    0
  )
  return { found: told.flatMap((issue) => findingsOf(schema, source, issue)), uncounted }
}
