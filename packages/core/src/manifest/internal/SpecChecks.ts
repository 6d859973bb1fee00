// Checks of the spec lists and of the dependencies.
import * as Result from "effect/Result"
import * as Requirement from "../../composition/Requirement.ts"
import * as Glob from "../../specs/Glob.ts"
import { isPackageName } from "../../specs/ModuleSpecs.ts"
import { dependencyText } from "./Canonical.ts"
import type { Document } from "./DocumentSchema.ts"
import type { Finding, Path } from "./IssueSink.ts"

interface Entry {
  readonly text: string
  readonly path: Path
}

interface Pattern extends Entry {
  readonly glob: Glob.Glob
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
const maximumAlternatives = 20_000

const parsePatterns = (entries: ReadonlyArray<Entry>) => {
  const patterns: Array<Pattern> = []
  const findings: Array<Finding> = []
  let alternatives = 0
  for (const entry of entries) {
    if (alternatives > maximumAlternatives) {
      const message = `the braces of this list stand for more than ${maximumAlternatives} patterns`
      findings.push({ code: "too_complex", path: entry.path, message })
      break
    }
    const glob = Glob.parse(entry.text)
    if (Result.isSuccess(glob)) {
      patterns.push({ ...entry, glob: glob.success })
      alternatives += glob.success.alternatives.length
      if (Glob.matchesNothing(glob.success)) {
        const message = "the pattern can match nothing: a file name has at most 255 bytes"
        findings.push({ code: "glob_matches_nothing", path: entry.path, message })
      }
    } else {
      const { detail, hint } = glob.failure
      findings.push({ code: "invalid_glob", path: entry.path, message: detail, hint })
    }
  }
  return { patterns, findings }
}

const effortOf = (patterns: ReadonlyArray<Pattern>): number =>
  patterns.reduce(
    (sum, { glob }) =>
      sum + glob.alternatives.reduce((steps, { components }) =>
        steps + components.reduce((count, part) =>
          count + (part._tag === "Wildcard" ? part.tokens.length : 1), 0), 0),
    0
  )

// Comparing two patterns costs at most the product of their lengths; beyond this a warning is not worth the time.
const maximumEffort = 2_000_000

const isWorthwhile = (left: ReadonlyArray<Pattern>, right: ReadonlyArray<Pattern>): boolean =>
  effortOf(left) * effortOf(right) <= maximumEffort

const swallowed = (mask: ReadonlyArray<Pattern>, files: ReadonlyArray<Pattern>): ReadonlyArray<Finding> =>
  !isWorthwhile(mask, files) ? [] : files.flatMap(({ glob, path }): ReadonlyArray<Finding> => {
    const by = mask.find((masked) => Glob.contains(masked.glob, glob))
    if (by === undefined) return []
    const message = `nothing is left of ${glob.pattern}: the mask ${by.text} covers all of it`
    return [{ code: "include_swallowed", path, message }]
  })

const notShipped = (protecting: ReadonlyArray<Pattern>, files: ReadonlyArray<Pattern>): ReadonlyArray<Finding> =>
  !isWorthwhile(protecting, files) ? [] : protecting.flatMap(({ glob, path }): ReadonlyArray<Finding> => {
    if (files.some((file) => Glob.overlaps(file.glob, glob))) return []
    const message = `${glob.pattern} is claimed, and the module ships nothing there`
    return [{ code: "protected_not_shipped", path, message, hint: "add it to `file_spec`, or leave it to its owner" }]
  })

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
  const mask = parsePatterns(lists.mask)
  const files = parsePatterns(lists.files)
  const protecting = parsePatterns(lists.protected)
  const inherited = parsePatterns(lists.inherited)
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
    ...[mask, files, protecting, inherited].flatMap(({ findings }) => findings),
    ...Object.values(lists).flatMap(duplicates),
    ...packageFindings(lists.packages),
    ...swallowed(mask.patterns, files.patterns),
    ...(files.patterns.length === 0 ? [] : notShipped(protecting.patterns, files.patterns)),
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
    capabilityTag.test(text) && text.length <= 200 ? [] : [{
      code: "invalid_capability_tag" as const,
      path,
      message: `${JSON.stringify(text)} is not a capability tag`,
      hint: "for example http.server or http.port:80"
    }]
  )

export const dependencyFindings = (document: Document): ReadonlyArray<Finding> => {
  const { refused, wanted } = requirementEntries(document)
  const wants = parseRequirements(wanted)
  const refuses = parseRequirements(refused)
  const moduleName = "identity" in document ? document.identity.name : document.name
  const self = [...wants.needed, ...refuses.needed].flatMap(({ path, requirement }): ReadonlyArray<Finding> =>
    requirement.name === moduleName
      ? [{ code: "self_dependency", path, message: `${moduleName} cannot depend on itself` }]
      : []
  )
  const contradictions = refuses.needed.flatMap(({ path, requirement, text }): ReadonlyArray<Finding> => {
    const same = wants.needed.find((other) =>
      other.requirement.name === requirement.name && other.requirement.version === requirement.version
    )
    if (same === undefined) return []
    return [{ code: "contradictory_dependency", path, message: `${text} is both asked for and in conflict` }]
  })
  return [...wants.findings, ...refuses.findings, ...self, ...contradictions, ...provided(document)]
}
