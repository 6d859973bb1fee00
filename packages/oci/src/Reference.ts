/**
 * References, `registry/repository:tag@digest`, by the grammar of the distribution specification.
 *
 * The parser is strict: it adds no default registry, no `library/` and no `latest`. Its patterns run in linear time;
 * the older name pattern of distribution 2.7 matches the empty text and is exponential in a backtracking engine.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Digest from "./Digest.ts"

const repositoryPattern = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/
const tagPattern = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/
const hostLabelPattern = /^(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])$/
const addressPattern = /^\[[a-fA-F0-9:]+\]$/
const portPattern = /^[0-9]{1,5}$/

/** The specification advises that registry, slash and repository together stay within this. */
const maximumNameLength = 255
const maximumLength = 1024

/**
 * A reference to a manifest.
 *
 * With a tag and a digest the digest decides what is fetched, the tag is text for people. Without a registry the
 * reference is relative to the one that is spoken to.
 *
 * @category models
 * @since 0.1.0
 */
export interface Reference {
  /** Host and, where given, port. */
  readonly registry?: string | undefined
  readonly repository: string
  readonly tag?: string | undefined
  readonly digest?: Digest.Digest | undefined
}

/**
 * Text which is no reference.
 *
 * @category errors
 * @since 0.1.0
 */
export class InvalidReference extends Schema.TaggedError<InvalidReference>("@lamina/oci/Reference/InvalidReference")(
  "InvalidReference",
  { actual: Schema.String, detail: Schema.String }
) {
  override get message(): string {
    return `expected [registry/]repository[:tag][@digest], got ${JSON.stringify(this.actual)}: ${this.detail}`
  }
}

/**
 * Says whether a text is a repository name: lower-case path components, at most 255 characters.
 *
 * @category guards
 * @since 0.1.0
 */
export const isRepository = (text: string): boolean => text.length <= maximumNameLength && repositoryPattern.test(text)

/**
 * Says whether a text is a tag: at most 128 characters.
 *
 * @category guards
 * @since 0.1.0
 */
export const isTag = (text: string): boolean => tagPattern.test(text)

/**
 * Says whether a text is a registry: a host name or address, with or without a port.
 *
 * @category guards
 * @since 0.1.0
 */
export const isRegistry = (text: string): boolean => {
  if (text.length > maximumNameLength) return false
  const colon = text.lastIndexOf(":")
  const hasPort = colon > text.lastIndexOf("]") && colon !== -1
  const host = hasPort ? text.slice(0, colon) : text
  if (hasPort && !isPort(text.slice(colon + 1))) return false
  return addressPattern.test(host) || host.split(".").every((label) => hostLabelPattern.test(label))
}

const isPort = (text: string): boolean => portPattern.test(text) && Number(text) > 0 && Number(text) <= 65_535

/**
 * Reads a reference from text.
 *
 * The first component is a registry when it contains a dot, a colon or an upper-case letter, or is `localhost`.
 *
 * @example
 * ```ts
 * import { Reference } from "@lamina/oci"
 * import { Result } from "effect"
 *
 * const reference = Result.getOrThrow(Reference.parse("registry.example:5000/os/base:1.2.0"))
 * console.log(reference.registry, reference.repository, reference.tag) // => registry.example:5000 os/base 1.2.0
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const parse = (text: string): Result.Result<Reference, InvalidReference> => {
  const fail = (detail: string) => Result.fail(new InvalidReference({ actual: text.slice(0, 300), detail }))
  if (text.length > maximumLength) return fail(`longer than ${maximumLength} characters`)

  const at = text.indexOf("@")
  const digest = at === -1 ? undefined : text.slice(at + 1)
  if (digest !== undefined && !Digest.is(digest)) return fail("the digest is not sha256 or sha512 in lower-case hex")

  const named = at === -1 ? text : text.slice(0, at)
  const colon = named.lastIndexOf(":")
  const hasTag = colon > named.lastIndexOf("/") && colon !== -1
  const tag = hasTag ? named.slice(colon + 1) : undefined
  if (tag !== undefined && !isTag(tag)) return fail(`${JSON.stringify(tag)} is not a tag`)

  const name = hasTag ? named.slice(0, colon) : named
  if (name.length > maximumNameLength) return fail(`registry and repository exceed ${maximumNameLength} characters`)
  const slash = name.indexOf("/")
  const first = slash === -1 ? "" : name.slice(0, slash)
  const hasRegistry = /[.:A-Z]/.test(first) || first === "localhost"
  if (hasRegistry && !isRegistry(first)) return fail(`${JSON.stringify(first)} is not a registry host`)

  const repository = hasRegistry ? name.slice(slash + 1) : name
  if (!isRepository(repository)) return fail(`${JSON.stringify(repository)} is not a repository name`)
  return Result.succeed({
    ...(hasRegistry ? { registry: first } : {}),
    repository,
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest })
  })
}

/**
 * Writes a reference; `parse` reads it back.
 *
 * @category destructors
 * @since 0.1.0
 */
export const format = (reference: Reference): string =>
  (reference.registry === undefined ? "" : `${reference.registry}/`) +
  reference.repository +
  (reference.tag === undefined ? "" : `:${reference.tag}`) +
  (reference.digest === undefined ? "" : `@${reference.digest}`)

/**
 * What a registry is asked for: the digest where there is one, else the tag.
 *
 * @category getters
 * @since 0.1.0
 */
export const version = (reference: Reference): string | undefined => reference.digest ?? reference.tag
