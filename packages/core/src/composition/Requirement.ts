/**
 * One module's need of another: a name or forge path, and which versions will do.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SemVer from "semver"

/**
 * `name` is a module's name or the `owner/name` of its forge repository; no `version` means any; `optional` ones are
 * wishes.
 *
 * @category models
 * @since 0.1.0
 */
export interface Requirement {
  readonly name: string
  /** A semantic version range. */
  readonly version?: string | undefined
  readonly optional: boolean
}

/**
 * What a module needs, would like, does not bear, and offers.
 *
 * @category models
 * @since 0.1.0
 */
export interface Dependencies {
  readonly requires: ReadonlyArray<Requirement>
  readonly recommends: ReadonlyArray<Requirement>
  readonly conflicts: ReadonlyArray<Requirement>
  /** Capability tags; one module of a composition may offer each. */
  readonly provides: ReadonlyArray<string>
}

/**
 * A module as a requirement sees it.
 *
 * @category models
 * @since 0.1.0
 */
export interface NamedModule {
  readonly moduleName: string
  /** `owner/name` at the forge. */
  readonly forgeRepository?: string | undefined
}

/**
 * A text that is not a requirement.
 *
 * @category errors
 * @since 0.1.0
 */
export class RequirementError
  extends Schema.TaggedError<RequirementError>("@lamina/core/RequirementError")("RequirementError", {
    text: Schema.String,
    part: Schema.Literals(["name", "range"]),
    detail: Schema.String,
    hint: Schema.optionalKey(Schema.String)
  })
{
  override get message(): string {
    return `${JSON.stringify(this.text)} is not a requirement: ${this.detail}` +
      (this.hint === undefined ? "" : ` (${this.hint})`)
  }
}

/**
 * No dependencies.
 *
 * @category constructors
 * @since 0.1.0
 */
export const none: Dependencies = { requires: [], recommends: [], conflicts: [], provides: [] }

const namePattern = /^(?:[A-Za-z0-9][A-Za-z0-9._-]{0,99}\/)?[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/
const maximumRangeLength = 256

/**
 * Whether a text is a semantic version range.
 *
 * @category predicates
 * @since 0.1.0
 */
export const isRange = (text: string): boolean =>
  text.length <= maximumRangeLength && text.trim() !== "" && SemVer.validRange(text) !== null

const rangeHint = (range: string): { readonly hint?: string } => {
  const pessimistic = /^~>\s*(.+)$/.exec(range)
  return pessimistic === null
    ? { hint: "for example ^1.2, ~1.2.3, >=1 <3, or *" }
    : { hint: `did you mean ~${pessimistic[1]}?` }
}

/**
 * Parses `name`, `name@range` or `owner/name@range`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const parse = (
  text: string,
  options: { readonly optional?: boolean } = {}
): Result.Result<Requirement, RequirementError> => {
  const at = text.indexOf("@")
  const name = at < 0 ? text : text.slice(0, at)
  const optional = options.optional ?? false
  if (!namePattern.test(name)) {
    const detail = `${JSON.stringify(name)} is neither a module's name nor owner/name`
    return Result.fail(
      new RequirementError({ text, part: "name", detail, hint: "for example powernode/system-base@^1.0" })
    )
  }
  if (at < 0) return Result.succeed({ name, optional })
  const version = text.slice(at + 1)
  if (!isRange(version) || version.startsWith("~>")) {
    const detail = `${JSON.stringify(version)} is not a semantic version range`
    return Result.fail(new RequirementError({ text, part: "range", detail, ...rangeHint(version) }))
  }
  return Result.succeed({ name, version, optional })
}

/**
 * The text that {@link parse} reads.
 *
 * @category formatting
 * @since 0.1.0
 */
export const render = (requirement: Pick<Requirement, "name" | "version">): string =>
  requirement.version === undefined ? requirement.name : `${requirement.name}@${requirement.version}`

/**
 * Whether the requirement speaks of the module. A forge path also means the module which is named like its last part.
 *
 * @category predicates
 * @since 0.1.0
 */
export const isFor = (requirement: Pick<Requirement, "name">, module: NamedModule): boolean =>
  requirement.name === module.moduleName || requirement.name === module.forgeRepository ||
  requirement.name.slice(requirement.name.indexOf("/") + 1) === module.moduleName

/**
 * Whether a version will do. Pre-releases are taken as in npm: only by a range that names one of the same version, and
 * by `*`. A version that is not semantic satisfies `*` and its own text.
 *
 * @category predicates
 * @since 0.1.0
 */
export const accepts = (requirement: Pick<Requirement, "version">, versionString: string): boolean => {
  const range = requirement.version ?? "*"
  if (range === "*" || range === versionString) return true
  return SemVer.satisfies(versionString, range)
}
