import * as Effect from "effect/Effect"
import * as Module from "../catalog/Module.ts"
import { type Actor, render as renderActor } from "../events/Actor.ts"
import * as Command from "../events/Command.ts"
import { NotHeld, PersonNeeded, PromotionError } from "../versions/PromotionError.ts"
import * as Reading from "./reading.ts"

/**
 * Holds a module: nothing goes live in it until somebody releases the hold, or it ends by itself. In the place of a hold
 * that stands, only a person sets one that ends sooner.
 *
 * @category commands
 * @since 0.1.0
 */
export const hold = Effect.fn("Promotion.hold")((
  input: Command.Options & {
    readonly moduleId: string
    readonly reason: string
    /** Milliseconds since the epoch; until it is released, when absent. */
    readonly until?: number | undefined
  }
) =>
  Command.run(
    {
      name: "module.hold",
      options: input,
      request: { moduleId: input.moduleId, reason: input.reason, until: input.until },
      result: Module.Module
    },
    Effect.fnUntraced(function*(change) {
      const module = yield* requireModule(change, input.moduleId)
      return yield* setHold(change, module, {
        by: input.actor,
        reason: input.reason,
        at: change.now,
        until: heldUntil(module, input, change.now),
        vetoedVersionIds: Module.activeHold(module, change.now)?.vetoedVersionIds ?? []
      }, "module.held")
    })
  )
)

/** Whoever may not release a hold does not cut it short either. */
const heldUntil = (
  module: Module.Module,
  { actor, until }: { readonly actor: Actor; readonly until?: number | undefined },
  now: number
): number | undefined => {
  const standing = Module.activeHold(module, now)
  if (standing === undefined || actor.kind === "person") return until
  return standing.until === undefined || until === undefined ? undefined : Math.max(standing.until, until)
}

/**
 * Releases the hold of a module; a person has to.
 *
 * @category commands
 * @since 0.1.0
 */
export const releaseHold = Effect.fn("Promotion.releaseHold")((
  input: Command.Options & { readonly moduleId: string; readonly reason?: string | undefined }
) =>
  Command.run(
    {
      name: "module.release_hold",
      options: input,
      request: { moduleId: input.moduleId, reason: input.reason },
      result: Module.Module
    },
    Effect.fnUntraced(function*(change) {
      if (input.actor.kind !== "person") {
        return yield* new PromotionError({
          reason: new PersonNeeded({ step: "releasing a hold", actor: renderActor(input.actor) })
        })
      }
      const module = yield* requireModule(change, input.moduleId)
      if (Module.activeHold(module, change.now) === undefined) {
        return yield* new PromotionError({ reason: new NotHeld({ module: module.name }) })
      }
      return yield* setHold(change, module, undefined, "module.hold_released")
    })
  )
)

const setHold = Effect.fnUntraced(function*(
  change: Command.Change,
  module: Module.Module,
  hold: Module.Hold | undefined,
  type: string
) {
  const updated = yield* change.transaction.update(Module.collection, { ...module, hold })
  yield* change.record({
    type,
    aggregateKind: "module",
    aggregate: updated,
    before: Command.toJson({ hold: module.hold }),
    after: Command.toJson({ hold })
  })
  return updated
})

const requireModule = (change: Command.Change, moduleId: string) =>
  Reading.required(change.transaction, Module.collection, change.accountId, "module", moduleId)
