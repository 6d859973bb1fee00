// Checks of the spec lists and of the dependencies.
import * as Result from "effect/Result"
import * as Requirement from "../../composition/Requirement.ts"
import * as Glob from "../../specs/Glob.ts"
import { isPackageName } from "../../specs/ModuleSpecs.ts"
import { dependencyText } from "./Canonical.ts"
import type { Document } from "./DocumentSchema.ts"
import { type Finding, maximumIssues, type Path } from "./IssueSink.ts"

interface Entry {
  readonly text: string
  readonly path: Path
}

interface Pattern extends Entry {
  readonly glob: Glob.Glob
  readonly effort: number
  /** The directories that all it covers lies in, as far as they are spelled out. */
  readonly root: string
}

const entriesOf = (texts: ReadonlyArray<string> | undefined, path: Path): ReadonlyArray<Entry> =>
  (texts ?? []).map((text, index) => ({ text, path: [...path, index] }))

const listsOf = (document: Document) => {
  const files = document.file_spec
  const isList = files === undefined || Array.isArray(files)
  const globs = (document.dependency_spec ?? []).filter((entry) => typeof entry === "string")
  return {
    mask: [
      ...entriesOf(document.mask, ["mask"]),
      ...(isList ? [] : entriesOf(files.exclude, ["file_spec", "exclude"])),
      ...(isList ? [] : entriesOf(files.mask, ["file_spec", "mask"]))
    ],
    files: isList ? entriesOf(files, ["file_spec"]) : entriesOf(files.include, ["file_spec", "include"]),
    protected: entriesOf(document.protected_spec, ["protected_spec"]),
    inherited: entriesOf(globs, ["dependency_spec"]),
    packages: entriesOf(document.package_spec, ["package_spec"])
  }
}

const duplicates = (entries: ReadonlyArray<Entry>): ReadonlyArray<Finding> => {
  const seen = new Set<string>()
  return entries.flatMap(({ path, text }): ReadonlyArray<Finding> => {
    if (!seen.has(text)) {
      seen.add(text)
      return []
    }
    return [{ code: "duplicate_entry", path, message: `${JSON.stringify(text)} stands in the list already` }]
  })
}

// A few characters of braces stand for hundreds of patterns; all lists together may stand for this many.
const maximumAlternatives = 4096
// Patterns which are more than plain paths are read character by character, and all name by name.
const maximumWildText = 65_536
const maximumNames = 16_384

const namesIn = (text: string): number => text.split("/").length

/** Parses one list of a manifest after another, and counts over all of them. */
class PatternParser {
  readonly findings: Array<Finding> = []
  #alternatives = 0
  #wildText = 0
  #names = 0

  parse(entries: ReadonlyArray<Entry>): ReadonlyArray<Pattern> {
    const patterns: Array<Pattern> = []
    for (const entry of entries) {
      const problem = this.#problemBefore(entry)
      if (problem !== undefined) {
        const hint = this.findings.length >= maximumIssues
          ? undefined
          : "let one pattern such as /usr/share/doc/** stand for many"
        this.findings.push({ code: "too_complex", path: entry.path, message: problem, hint })
        break
      }
      const glob = this.#parseOne(entry)
      if (glob !== undefined) patterns.push({ ...entry, glob, effort: effortOf(glob), root: rootOf(glob) })
    }
    return patterns
  }

  #problemBefore({ text }: Entry): string | undefined {
    if (this.findings.length >= maximumIssues) return "so many patterns are wrong that the others were not read"
    if (/[*?[\]{}\\]/.test(text)) this.#wildText += text.length
    this.#names += namesIn(text)
    if (this.#names > maximumNames) {
      return `the patterns of all lists have more than ${maximumNames} names between slashes`
    }
    if (this.#wildText > maximumWildText) {
      return `the patterns of all lists have more than ${maximumWildText} characters, those of plain paths not counted`
    }
    return this.#alternatives > maximumAlternatives
      ? `the braces of all lists stand for more than ${maximumAlternatives} patterns`
      : undefined
  }

  #parseOne({ path, text }: Entry): Glob.Glob | undefined {
    const glob = Glob.parse(text)
    if (Result.isFailure(glob)) {
      const { detail, hint } = glob.failure
      this.findings.push({ code: "invalid_glob", path, message: detail, hint })
      return undefined
    }
    this.#alternatives += glob.success.alternatives.length - 1
    if (Glob.matchesNothing(glob.success)) {
      const message = "the pattern can match nothing: a file name has at most 255 bytes"
      this.findings.push({ code: "glob_matches_nothing", path, message })
    }
    return glob.success
  }
}

const effortOf = ({ alternatives }: Glob.Glob): number =>
  alternatives.reduce(
    (sum, { components }) =>
      components.reduce((steps, part) => steps + (part._tag === "Wildcard" ? part.tokens.length : 1), sum),
    0
  )

const rootOf = ({ alternatives: [first, ...others] }: Glob.Glob): string => {
  if (first === undefined || others.length > 0) return "/"
  const end = first.components.findIndex((part) => part._tag !== "Literal")
  const names = first.components.slice(0, end < 0 ? undefined : end)
  return `/${names.map((part) => part._tag === "Literal" ? `${part.text}/` : "").join("")}`
}

const isApart = (left: string, right: string): boolean => !left.startsWith(right) && !right.startsWith(left)

// Comparing two patterns costs at most the product of their lengths. Only warnings come of it, and no more time than
// this is spent on them.
const maximumEffort = 25_000

/** Pairs every one of `left` with those of `right`, until the effort is spent. */
class Comparison {
  #effort = maximumEffort

  find(
    pattern: Pattern,
    among: ReadonlyArray<Pattern>,
    relation: (pattern: Glob.Glob, other: Glob.Glob) => boolean
  ): Pattern | "none" | "unknown" {
    for (const other of among) {
      const areApart = isApart(pattern.root, other.root)
      this.#effort -= areApart ? 1 : pattern.effort * other.effort
      if (this.#effort < 0) return "unknown"
      if (areApart) continue
      if (relation(pattern.glob, other.glob)) return other
    }
    return "none"
  }
}

const swallowed = (mask: ReadonlyArray<Pattern>, files: ReadonlyArray<Pattern>): ReadonlyArray<Finding> => {
  const comparison = new Comparison()
  return files.flatMap((file): ReadonlyArray<Finding> => {
    const by = comparison.find(file, mask, (glob, masked) => Glob.contains(masked, glob))
    if (typeof by === "string") return []
    const message = `nothing is left of ${file.text}: the mask ${by.text} covers all of it`
    return [{ code: "include_swallowed", path: file.path, message }]
  })
}

const notShipped = (protecting: ReadonlyArray<Pattern>, files: ReadonlyArray<Pattern>): ReadonlyArray<Finding> => {
  const comparison = new Comparison()
  return protecting.flatMap((claim): ReadonlyArray<Finding> => {
    if (comparison.find(claim, files, Glob.overlaps) !== "none") return []
    const message = `${claim.text} is claimed, and the module ships nothing there`
    const hint = "add it to `file_spec`, or leave it to its owner"
    return [{ code: "protected_not_shipped", path: claim.path, message, hint }]
  })
}

const packageFindings = (packages: ReadonlyArray<Entry>): ReadonlyArray<Finding> =>
  packages.flatMap(({ path, text }): ReadonlyArray<Finding> => {
    if (isPackageName(text)) return []
    const message = `${JSON.stringify(text)} is not the name of a Debian package`
    const lower = text.trim().toLowerCase()
    const hint = isPackageName(lower)
      ? `did you mean ${lower}?`
      : "lower-case letters, digits, +, - and ., at least two"
    return [{ code: "invalid_package", path, message, hint }]
  })

export const specFindings = (document: Document): ReadonlyArray<Finding> => {
  const lists = listsOf(document)
  const parser = new PatternParser()
  const mask = parser.parse(lists.mask)
  const files = parser.parse(lists.files)
  const protecting = parser.parse(lists.protected)
  parser.parse(lists.inherited)
  const variety = "identity" in document ? document.identity.variety : document.variety
  const isChild = variety === "config" || variety === "instance"
  const shipsNothing: ReadonlyArray<Finding> = lists.files.length === 0 && lists.packages.length > 0 && !isChild
    ? [{
      code: "ships_nothing",
      path: ["package_spec"],
      message: "packages are installed, and `file_spec` takes no file of them into the module",
      hint: "add what the packages install to `file_spec`"
    }]
    : []
  return [
    ...parser.findings,
    ...Object.values(lists).flatMap(duplicates),
    ...packageFindings(lists.packages),
    ...swallowed(mask, files),
    ...(files.length === 0 ? [] : notShipped(protecting, files)),
    ...shipsNothing
  ]
}

interface Needed extends Entry {
  readonly requirement: Requirement.Requirement
}

const requirementEntries = (document: Document) => {
  const { conflicts, recommends, requires } = document.dependencies ?? {}
  const modules = (document.dependency_spec ?? []).flatMap((entry, index) =>
    typeof entry === "string" ? [] : [{ text: dependencyText(entry), path: ["dependency_spec", index] as Path }]
  )
  return {
    wanted: [
      ...entriesOf(requires, ["dependencies", "requires"]),
      ...entriesOf(recommends, ["dependencies", "recommends"]),
      ...modules
    ],
    refused: entriesOf(conflicts, ["dependencies", "conflicts"])
  }
}

const parseRequirements = (entries: ReadonlyArray<Entry>) => {
  const needed: Array<Needed> = []
  const findings: Array<Finding> = []
  for (const entry of entries) {
    const requirement = Requirement.parse(entry.text)
    if (Result.isSuccess(requirement)) needed.push({ ...entry, requirement: requirement.success })
    else {
      const { detail, hint } = requirement.failure
      findings.push({ code: "invalid_requirement", path: entry.path, message: detail, hint })
    }
  }
  return { needed, findings }
}

const capabilityTag = /^[a-z0-9][a-z0-9._+-]*(?::[A-Za-z0-9][A-Za-z0-9._/-]*)?(?:@[A-Za-z0-9][A-Za-z0-9._+-]*)?$/

const provided = (document: Document): ReadonlyArray<Finding> =>
  entriesOf(document.dependencies?.provides, ["dependencies", "provides"]).flatMap(({ path, text }) =>
    text.length <= 200 && capabilityTag.test(text) ? [] : [{
      code: "invalid_capability_tag" as const,
      path,
      message: `${JSON.stringify(text)} is not a capability tag`,
      hint: "for example http.server or http.port:80"
    }]
  )

export const dependencyFindings = (document: Document): ReadonlyArray<Finding> => {
  const entries = requirementEntries(document)
  const wants = parseRequirements(entries.wanted)
  const refuses = parseRequirements(entries.refused)
  const moduleName = "identity" in document ? document.identity.name : document.name
  const self = [...wants.needed, ...refuses.needed].flatMap(({ path, requirement }): ReadonlyArray<Finding> =>
    requirement.name === moduleName
      ? [{ code: "self_dependency", path, message: `${moduleName} cannot depend on itself` }]
      : []
  )
  const wanted = new Set(wants.needed.map(({ requirement }) => Requirement.render(requirement)))
  const contradictions = refuses.needed.flatMap(({ path, requirement, text }): ReadonlyArray<Finding> => {
    if (!wanted.has(Requirement.render(requirement))) return []
    return [{ code: "contradictory_dependency", path, message: `${text} is both asked for and in conflict` }]
  })
  return [...wants.findings, ...refuses.findings, ...self, ...contradictions, ...provided(document)]
}
