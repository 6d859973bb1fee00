/**
 * Who did what, once: actors, commands, events and their way out.
 *
 * @since 0.1.0
 */
export * as Actor from "./Actor.ts"
export * as Command from "./Command.ts"
export * as CommandError from "./CommandError.ts"
export * as Event from "./Event.ts"
export * as Events from "./Events.ts"
export * as Id from "./Id.ts"
export * as IdempotencyRecord from "./IdempotencyRecord.ts"
