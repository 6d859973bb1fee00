/**
 * Which version of a module a template follows.
 *
 * @since 0.1.0
 */
import * as Option from "effect/Option"
import { newestFirst } from "./internal/VersionOrder.ts"

/**
 * The states of a version, from the least to the most trusted one, and `archived`.
 *
 * @category models
 * @since 0.1.0
 */
export type LifecycleState = "draft" | "staging" | "blessed" | "live" | "archived"

/**
 * `live` is the default; a `version` is followed exactly.
 *
 * @category models
 * @since 0.1.0
 */
export type Channel = "live" | "blessed" | "staging" | { readonly version: string }

/**
 * What of a version a channel looks at.
 *
 * @category models
 * @since 0.1.0
 */
export interface ChannelVersion {
  readonly versionString: string
  readonly lifecycleState: LifecycleState
  /** A veto: no channel chooses the version. */
  readonly quarantined?: boolean | undefined
}

const admitted: { readonly [Name in "live" | "blessed" | "staging"]: ReadonlyArray<LifecycleState> } = {
  live: ["live"],
  blessed: ["blessed", "live"],
  staging: ["staging", "blessed", "live"]
}

/**
 * Whether others may depend on a version in this state.
 *
 * @category predicates
 * @since 0.1.0
 */
export const isStagingOrAbove = (state: LifecycleState): boolean => admitted.staging.includes(state)

/**
 * The version that a channel stands for: of `blessed` and `staging` the newest one in that state or a more trusted one,
 * so that a channel never lies behind a stricter one; an exact version in whatever state it is.
 *
 * @category getters
 * @since 0.1.0
 */
export const select = <Version extends ChannelVersion>(
  versions: ReadonlyArray<Version>,
  channel: Channel = "live"
): Option.Option<Version> => {
  const candidates = versions.filter(({ lifecycleState, quarantined, versionString }) =>
    quarantined !== true &&
    (typeof channel === "string" ? admitted[channel].includes(lifecycleState) : versionString === channel.version)
  )
  const [newest] = candidates.sort((left, right) => newestFirst(left.versionString, right.versionString))
  return Option.fromNullishOr(newest)
}

/**
 * A channel in words.
 *
 * @category formatting
 * @since 0.1.0
 */
export const render = (channel: Channel): string => typeof channel === "string" ? channel : `exactly ${channel.version}`
