/**
 * Accounts: tenants. Every row belongs to one, every query asks for one.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import * as Collection from "../storage/Collection.ts"

/**
 * What an account asks of a version beyond a verified signature, which is always asked.
 *
 * @category schemas
 * @since 0.1.0
 */
export const PromotionRules = Schema.Struct({
  /** Whether a version needs an SBOM before it is blessed. */
  requireSbom: Schema.Boolean,
  /** Whether a version needs a passing vulnerability scan before it is blessed. */
  requireVulnerabilityGate: Schema.Boolean,
  /** How many milliseconds a version stays in `staging` before it may be blessed. */
  minimumStagingMillis: Schema.Int.check(Schema.isGreaterThanOrEqualTo(0)),
  /** How many milliseconds a version stays in `blessed` before it may go live. */
  minimumBlessedMillis: Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))
})

/**
 * What an account asks of a version.
 *
 * @category models
 * @since 0.1.0
 */
export type PromotionRules = typeof PromotionRules.Type

/**
 * The rules of a new account: an SBOM, and nothing that needs parts which an account may not have yet.
 *
 * @category constants
 * @since 0.1.0
 */
export const defaultPromotionRules: PromotionRules = {
  requireSbom: true,
  requireVulnerabilityGate: false,
  minimumStagingMillis: 0,
  minimumBlessedMillis: 0
}

/**
 * A tenant. It belongs to itself: `accountId` is its `id`.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Account = Schema.Struct({
  id: Schema.String,
  accountId: Schema.String,
  rev: Schema.Int,
  name: Schema.String,
  promotionRules: PromotionRules,
  /** Milliseconds since the epoch. */
  createdAt: Schema.Int
})

/**
 * A tenant.
 *
 * @category models
 * @since 0.1.0
 */
export type Account = typeof Account.Type

/**
 * Where accounts are kept.
 *
 * @category collections
 * @since 0.1.0
 */
export const collection = Collection.make("account", Account, {})
