import * as Effect from "effect/Effect"
import { CatalogError, OperatorNeeded } from "../catalog/CatalogError.ts"
import { type Actor, render } from "../events/Actor.ts"

/** What runs by itself decides neither whom to trust nor which rules bind it: that takes a person, or a service of theirs. */
export const requireOperator = (actor: Actor, action: string): Effect.Effect<void, CatalogError> =>
  actor.kind !== "automation"
    ? Effect.void
    : Effect.fail(new CatalogError({ reason: new OperatorNeeded({ action, actor: render(actor) }) }))
