/**
 * One pattern of a spec list: an absolute path from the module's root with `*`, `?`, `[…]`, `**` and `{a,b}`.
 *
 * `minimatch` (with `dot: true`) is the meaning of {@link matches}. A pattern which names a directory means the
 * directory and everything below it: that is {@link covers}, and what every list of a module goes by.
 *
 * ```ts
 * import * as Result from "effect/Result"
 * import { Glob } from "@lamina/core/specs/index"
 *
 * const glob = Result.getOrThrow(Glob.parse("/etc/nginx/*.d"))
 * Glob.matches(glob, "/etc/nginx/conf.d") // true
 * Glob.covers(glob, "/etc/nginx/conf.d/site.conf") // true
 * ```
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { Alternative, Component } from "./internal/GlobSyntax.ts"
import * as GlobSyntax from "./internal/GlobSyntax.ts"
import * as Languages from "./internal/Languages.ts"
import * as NameMatching from "./internal/NameMatching.ts"
import { pathNames } from "./internal/PathNames.ts"
import { codes } from "./internal/SyntaxProblem.ts"

/**
 * A parsed pattern; `alternatives` are the brace-free patterns that it stands for.
 *
 * @category models
 * @since 0.1.0
 */
export interface Glob {
  readonly pattern: string
  readonly alternatives: ReadonlyArray<Alternative>
}

/**
 * What a path leads to. Everything that is not a directory (symbolic links too) is a `file`.
 *
 * @category models
 * @since 0.1.0
 */
export type PathKind = "file" | "directory"

/**
 * A text which is not a pattern: `code` is stable, `detail` is a clause for a person, `hint` a way out.
 *
 * @category errors
 * @since 0.1.0
 */
export class GlobError extends Schema.TaggedError<GlobError>("@lamina/core/GlobError")("GlobError", {
  pattern: Schema.String,
  code: Schema.Literals(codes),
  detail: Schema.String,
  hint: Schema.optionalKey(Schema.String)
}) {
  override get message(): string {
    const shown = JSON.stringify(this.pattern.length > 200 ? `${this.pattern.slice(0, 200)}…` : this.pattern)
    return `${shown} is not a pattern: ${this.detail}${this.hint === undefined ? "" : ` (${this.hint})`}`
  }
}

/**
 * Parses a pattern: absolute, at most 4096 characters, at most 256 brace-free forms and, where `**` stands between
 * slashes, 256 names; without `..`, control characters, trailing blanks, negation and extended globs.
 *
 * @category constructors
 * @since 0.1.0
 */
export const parse = (pattern: string): Result.Result<Glob, GlobError> => {
  const alternatives = GlobSyntax.parse(pattern)
  return Result.isSuccess(alternatives)
    ? Result.succeed({ pattern, alternatives: alternatives.success })
    : Result.fail(new GlobError({ pattern, ...alternatives.failure }))
}

/** Walks the components over the names; a `**` is retried one name further, only the last one seen, so never twice. */
const run = (
  { components, directoryOnly }: Alternative,
  names: ReadonlyArray<string>,
  isDirectory: boolean,
  belowToo: boolean
): boolean => {
  const ends = (index: number): boolean =>
    index === names.length ? isDirectory || !directoryOnly : belowToo && index < names.length
  let component = 0
  let index = 0
  let lastGlobstar = -1
  let globstarTakesUpTo = 0
  for (;;) {
    const current = components[component]
    if (current === undefined && ends(index)) return true
    if (current?._tag === "Globstar" && component < components.length - 1) {
      lastGlobstar = component++
      globstarTakesUpTo = index
      continue
    }
    if (current?._tag === "Globstar" && index < names.length) {
      // At the end `**` takes one name or more; a file which is the only one cannot be below a directory.
      return !directoryOnly || isDirectory || (belowToo && index + 1 < names.length)
    }
    const name = names[index]
    if (current !== undefined && name !== undefined && NameMatching.matcher(current)(name)) {
      component++
      index++
    } else if (lastGlobstar >= 0 && globstarTakesUpTo < names.length) {
      index = ++globstarTakesUpTo
      component = lastGlobstar + 1
    } else {
      return false
    }
  }
}

const test = (glob: Glob, path: string, kind: PathKind, belowToo: boolean): boolean => {
  const names = pathNames(path)
  return names !== undefined &&
    glob.alternatives.some((alternative) => run(alternative, names, kind === "directory", belowToo))
}

/**
 * Whether the pattern names exactly this path, as `minimatch` with `dot: true` says. A pattern with a trailing slash
 * names directories only.
 *
 * @category predicates
 * @since 0.1.0
 */
export const matches = (glob: Glob, path: string, kind: PathKind = "file"): boolean => test(glob, path, kind, false)

/**
 * Whether the pattern names this path or a directory above it.
 *
 * @category predicates
 * @since 0.1.0
 */
export const covers = (glob: Glob, path: string, kind: PathKind = "file"): boolean => test(glob, path, kind, true)

/**
 * Whether `outer` covers everything that `inner` covers. `true` is certain; of patterns with several wildcards in one
 * component, or whose braces cover `inner` only together, a few true inclusions are reported as `false`.
 *
 * @category predicates
 * @since 0.1.0
 */
export const contains = (outer: Glob, inner: Glob): boolean =>
  inner.alternatives.every((part) => outer.alternatives.some((whole) => Languages.contains(whole, part)))

/**
 * Whether some path is covered by both patterns.
 *
 * @category predicates
 * @since 0.1.0
 */
export const overlaps = (left: Glob, right: Glob): boolean =>
  left.alternatives.some((a) => right.alternatives.some((b) => Languages.overlaps(a, b)))

/**
 * Whether the pattern names one path: it has no wildcard and no alternatives.
 *
 * @category predicates
 * @since 0.1.0
 */
export const isLiteral = (glob: Glob): boolean =>
  glob.alternatives.length === 1 &&
  glob.alternatives.every(({ components }) => components.every((component) => component._tag === "Literal"))

const encoder = new TextEncoder()

const bytesOf = (text: string): number =>
  // A UTF-16 code unit is at most three bytes of UTF-8.
  text.length * 3 <= NameMatching.maximumNameBytes ? text.length : encoder.encode(text).length

const isImpossible = (component: Component): boolean =>
  component._tag === "Literal"
    ? bytesOf(component.text) > NameMatching.maximumNameBytes
    : component._tag === "Wildcard" && !NameMatching.canMatch(component.tokens)

/**
 * Whether no file system can hold a path that the pattern covers: a name longer than 255 bytes in every alternative.
 *
 * @category predicates
 * @since 0.1.0
 */
export const matchesNothing = (glob: Glob): boolean =>
  glob.alternatives.every(({ components }) => components.some(isImpossible))
