/**
 * Git references as Gitea writes them: only `refs/tags/…` is a tag and only `refs/heads/…` is a branch.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

/**
 * A full reference, told apart by its prefix; `name` is the part behind `refs/tags/` or `refs/heads/`.
 *
 * `Other` keeps what is neither (`refs/pull/7/head`, or a short name such as `v1`): never take it for a tag.
 *
 * @category models
 * @since 0.1.0
 */
export type GitReference =
  | { readonly _tag: "Tag"; readonly ref: string; readonly name: string }
  | { readonly _tag: "Branch"; readonly ref: string; readonly name: string }
  | { readonly _tag: "Other"; readonly ref: string }

/**
 * A text that git would not accept as a reference (git-check-ref-format(1)).
 *
 * @category errors
 * @since 0.1.0
 */
export class InvalidGitReference extends Schema.TaggedError<InvalidGitReference>("@lamina/gitea/InvalidGitReference")(
  "InvalidGitReference",
  { problem: Schema.String }
) {
  override get message() {
    return `not a git reference: ${this.problem}`
  }
}

/**
 * The longest reference that is read, in characters; Gitea's own column for a reference is shorter.
 *
 * @category constants
 * @since 0.1.0
 */
export const maxLength = 512

const tagPrefix = "refs/tags/"
const branchPrefix = "refs/heads/"

// eslint-disable-next-line no-control-regex -- control characters are what is looked for
const forbiddenCharacter = /[\u0000-\u0020\u007f~^:?*[\\]/

const problemOfComponent = (component: string): string | undefined => {
  if (component === "") return "it has an empty component"
  if (component.startsWith(".")) return "a component begins with a dot"
  if (component.endsWith(".lock")) return "a component ends in .lock"
  return undefined
}

const problemOf = (ref: string): string | undefined => {
  if (ref === "") return "it is empty"
  if (ref.length > maxLength) return `it is longer than ${maxLength} characters`
  if (forbiddenCharacter.test(ref)) return "it holds a blank, a control character or one of ~^:?*[\\"
  if (ref.includes("..") || ref.includes("@{")) return "it holds .. or @{"
  if (ref === "@" || ref.endsWith(".")) return "it is @ or ends in a dot"
  for (const component of ref.split("/")) {
    const problem = problemOfComponent(component)
    if (problem !== undefined) return problem
  }
  return undefined
}

/**
 * Reads a reference and refuses what git itself would refuse, so that a name is safe to show and to put in a path.
 *
 * @category parsing
 * @since 0.1.0
 */
export const parse = (ref: string): Result.Result<GitReference, InvalidGitReference> => {
  const problem = problemOf(ref)
  if (problem !== undefined) return Result.fail(new InvalidGitReference({ problem }))
  if (ref.startsWith(tagPrefix)) return Result.succeed({ _tag: "Tag", ref, name: ref.slice(tagPrefix.length) })
  if (ref.startsWith(branchPrefix)) return Result.succeed({ _tag: "Branch", ref, name: ref.slice(branchPrefix.length) })
  return Result.succeed({ _tag: "Other", ref })
}

/**
 * The tag that a reference names, or `undefined` when it names anything else.
 *
 * @category getters
 * @since 0.1.0
 */
export const tagName = (reference: GitReference): string | undefined =>
  reference._tag === "Tag" ? reference.name : undefined
