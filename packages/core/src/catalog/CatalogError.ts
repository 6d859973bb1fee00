/**
 * What can be wrong with a change of the catalog.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { ManifestError } from "../manifest/Manifest.ts"

/**
 * Another row has this name.
 *
 * @category errors
 * @since 0.1.0
 */
export class NameTaken extends Schema.TaggedError<NameTaken>("@lamina/core/catalog/NameTaken")("NameTaken", {
  kind: Schema.String,
  name: Schema.String,
  id: Schema.String
}) {
  override get message(): string {
    return `${this.kind} ${this.id} is named ${JSON.stringify(this.name)} already; choose another name, or use that one`
  }
}

/**
 * The manifest is of another module than the one that was named.
 *
 * @category errors
 * @since 0.1.0
 */
export class OtherModule extends Schema.TaggedError<OtherModule>("@lamina/core/catalog/OtherModule")("OtherModule", {
  expected: Schema.String,
  actual: Schema.String
}) {
  override get message(): string {
    return `expected the manifest of ${this.expected}, got that of ${this.actual}; a module is not renamed by a manifest`
  }
}

/**
 * Nobody but a person or a service with an operator's rights says whom a module trusts, or changes rules and policies.
 *
 * @category errors
 * @since 0.1.0
 */
export class OperatorNeeded extends Schema.TaggedError<OperatorNeeded>("@lamina/core/catalog/OperatorNeeded")(
  "OperatorNeeded",
  { action: Schema.String, actor: Schema.String }
) {
  override get message(): string {
    return `${this.action} takes an authenticated operator, not ${this.actor}`
  }
}

/**
 * Something needs what is to be removed.
 *
 * @category errors
 * @since 0.1.0
 */
export class StillNeeded extends Schema.TaggedError<StillNeeded>("@lamina/core/catalog/StillNeeded")("StillNeeded", {
  kind: Schema.String,
  name: Schema.String,
  neededBy: Schema.Array(Schema.String)
}) {
  override get message(): string {
    return `${this.kind} ${this.name} is needed by ${this.neededBy.join(", ")}; remove those first, or use force`
  }
}

/**
 * Every such reason.
 *
 * @category errors
 * @since 0.1.0
 */
export const Reason = Schema.Union([NameTaken, ManifestError, OtherModule, OperatorNeeded, StillNeeded])

/**
 * Every such reason.
 *
 * @category errors
 * @since 0.1.0
 */
export type Reason = typeof Reason.Type

/**
 * A change of the catalog was refused; nothing was changed.
 *
 * @category errors
 * @since 0.1.0
 */
export class CatalogError extends Schema.TaggedError<CatalogError>("@lamina/core/catalog/CatalogError")(
  "CatalogError",
  { reason: Reason }
) {
  override get message(): string {
    return this.reason.message
  }
}
