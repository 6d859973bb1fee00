/**
 * Modules: named layers of an operating system, with the rules of what may go into them and whom to trust for them.
 *
 * The record rules: a manifest only seeds it.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { Actor } from "../events/Actor.ts"
import { TrustPolicy } from "../ingest/SignatureVerifier.ts"
import * as Collection from "../storage/Collection.ts"

/**
 * `subscription` is an ordinary module; `config` and `instance` are children which adjust their parent.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Variety = Schema.Literals(["subscription", "config", "instance"])

/**
 * The variety of a module.
 *
 * @category models
 * @since 0.1.0
 */
export type Variety = typeof Variety.Type

const Patterns = Schema.Array(Schema.String)

/**
 * The five lists that say which files and packages are a module's.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Specs = Schema.Struct({
  mask: Patterns,
  fileSpec: Patterns,
  protectedSpec: Patterns,
  dependencySpec: Patterns,
  packageSpec: Patterns
})

/**
 * The five lists of a module.
 *
 * @category models
 * @since 0.1.0
 */
export type Specs = typeof Specs.Type

/**
 * Another module by name or forge path, and which of its versions will do.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Requirement = Schema.Struct({
  name: Schema.String,
  /** A semver range; any version, when absent. */
  version: Schema.optional(Schema.String),
  optional: Schema.Boolean
})

/**
 * Another module, and which of its versions will do.
 *
 * @category models
 * @since 0.1.0
 */
export type Requirement = typeof Requirement.Type

/**
 * What a module needs, would like, does not bear, and offers.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Dependencies = Schema.Struct({
  requires: Schema.Array(Requirement),
  recommends: Schema.Array(Requirement),
  conflicts: Schema.Array(Requirement),
  provides: Schema.Array(Schema.String)
})

/**
 * What a module needs, would like, does not bear, and offers.
 *
 * @category models
 * @since 0.1.0
 */
export type Dependencies = typeof Dependencies.Type

/**
 * Set by a rollback: no automation moves the module, and the versions named are not rolled back to.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Hold = Schema.Struct({
  by: Actor,
  reason: Schema.String,
  /** Milliseconds since the epoch. */
  at: Schema.Int,
  /** When it ends by itself; never, when absent. */
  until: Schema.optional(Schema.Int),
  vetoedVersionIds: Schema.Array(Schema.String)
})

/**
 * Set by a rollback.
 *
 * @category models
 * @since 0.1.0
 */
export type Hold = typeof Hold.Type

/**
 * A module.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Module = Schema.Struct({
  id: Schema.String,
  accountId: Schema.String,
  rev: Schema.Int,
  name: Schema.String,
  description: Schema.String,
  categoryId: Schema.String,
  variety: Variety,
  parentModuleId: Schema.optional(Schema.String),
  /** Within the category, 0 to 999; higher lies nearer the top. */
  priority: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 999 })),
  /** Disabled modules stay assigned and are left out of every composition. */
  enabled: Schema.Boolean,
  rebootRequired: Schema.Boolean,
  specs: Specs,
  dependencies: Dependencies,
  trustPolicy: TrustPolicy,
  /** `owner/name` at the forge, by which webhooks find the module. */
  forgeRepository: Schema.optional(Schema.String),
  /** Where its versions are published, without tag or digest. */
  ociRepository: Schema.optional(Schema.String),
  /** Architectures without which a version is not taken in. */
  requiredArchitectures: Schema.Array(Schema.String),
  liveVersionId: Schema.optional(Schema.String),
  /** The versions that were live before, the latest first, at most ten. */
  previousLiveVersionIds: Schema.Array(Schema.String),
  hold: Schema.optional(Hold),
  /** The manifest from which the record was seeded. */
  manifestText: Schema.String,
  /** Milliseconds since the epoch. */
  createdAt: Schema.Int
})

/**
 * A module.
 *
 * @category models
 * @since 0.1.0
 */
export type Module = typeof Module.Type

/**
 * Where modules are kept.
 *
 * @category collections
 * @since 0.1.0
 */
export const collection = Collection.make("module", Module, {
  byName: { fields: ["name"], unique: true },
  byCategory: { fields: ["categoryId"] },
  byParent: { fields: ["parentModuleId"] },
  byForgeRepository: { fields: ["forgeRepository"], unique: true }
})

/**
 * The hold of a module, unless it ended by itself.
 *
 * @category getters
 * @since 0.1.0
 */
export const activeHold = (module: Pick<Module, "hold">, now: number): Hold | undefined =>
  module.hold?.until !== undefined && module.hold.until <= now ? undefined : module.hold
