/**
 * Which server answers, and what it can do.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"

/**
 * A version as `GET /api/v1/version` tells it. Pre-releases count as the version that they lead to.
 *
 * @category models
 * @since 0.1.0
 */
export interface ServerVersion {
  readonly product: "gitea" | "forgejo"
  readonly major: number
  readonly minor: number
  readonly patch: number
  readonly text: string
}

const pattern = /^v?([0-9]{1,6})\.([0-9]{1,6})(?:\.([0-9]{1,6}))?(?:[-+].*)?$/

/**
 * Reads `1.26.3`, `1.27.0+dev-…` and Forgejo's `15.0.3+gitea-1.22.0`, whose right half is not to be believed.
 *
 * @category parsing
 * @since 0.1.0
 */
export const parse = (text: string): Result.Result<ServerVersion, string> => {
  const match = text.length > 128 ? null : pattern.exec(text)
  if (match === null) return Result.fail("expected a version such as 1.26.3 or 15.0.3+gitea-1.22.0")
  const [, major, minor, patch] = match
  const version = { major: Number(major), minor: Number(minor), patch: Number(patch ?? 0), text }
  // Forgejo left Gitea's numbers behind with 7.0.
  const product = text.includes("+gitea-") || version.major >= 7 ? "forgejo" : "gitea"
  return Result.succeed({ product, ...version })
}

/**
 * A part of the API that came with some version.
 *
 * @category models
 * @since 0.1.0
 */
export type Feature =
  | "workflow dispatch"
  | "the run of a workflow dispatch"
  | "workflow runs"
  | "workflow jobs"
  | "job logs"
  | "linking packages"

interface Since {
  readonly gitea: readonly [major: number, minor: number]
  readonly forgejo: readonly [major: number, minor: number] | undefined
}

const since: Readonly<Record<Feature, Since>> = {
  "workflow dispatch": { gitea: [1, 24], forgejo: [7, 0] },
  "the run of a workflow dispatch": { gitea: [1, 26], forgejo: [11, 0] },
  "workflow runs": { gitea: [1, 25], forgejo: [12, 0] },
  "workflow jobs": { gitea: [1, 25], forgejo: [16, 0] },
  "job logs": { gitea: [1, 24], forgejo: [16, 0] },
  "linking packages": { gitea: [1, 24], forgejo: undefined }
}

/**
 * Whether a server has a feature.
 *
 * @category predicates
 * @since 0.1.0
 */
export const supports = (version: ServerVersion, feature: Feature): boolean => {
  const first = since[feature][version.product]
  if (first === undefined) return false
  return version.major > first[0] || (version.major === first[0] && version.minor >= first[1])
}

/**
 * The versions that have a feature, in words.
 *
 * @category getters
 * @since 0.1.0
 */
export const needs = (feature: Feature): string => {
  const { forgejo, gitea } = since[feature]
  return `Gitea ${gitea.join(".")}${forgejo === undefined ? "" : ` or Forgejo ${forgejo[0]}`}`
}
