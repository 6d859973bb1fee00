/**
 * Actors: who gives a command. The host authenticates them; the domain only distinguishes and records them.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * A person, a service that somebody runs (a CI, an API client), or the platform's own automation.
 *
 * Only persons approve, and no automation passes a hold.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Actor = Schema.Struct({
  kind: Schema.Literals(["person", "service", "automation"]),
  id: Schema.NonEmptyString.check(Schema.isMaxLength(256))
})

/**
 * Who gives a command.
 *
 * @category models
 * @since 0.1.0
 */
export type Actor = typeof Actor.Type

/**
 * A person, by the id under which the host knows them.
 *
 * @category constructors
 * @since 0.1.0
 */
export const person = (id: string): Actor => ({ kind: "person", id })

/**
 * A service that acts on its own credentials.
 *
 * @category constructors
 * @since 0.1.0
 */
export const service = (id: string): Actor => ({ kind: "service", id })

/**
 * A part of the platform which acts without anybody asking, such as the registry poller.
 *
 * @category constructors
 * @since 0.1.0
 */
export const automation = (id: string): Actor => ({ kind: "automation", id })

/**
 * Says whether two actors are the same one.
 *
 * @category predicates
 * @since 0.1.0
 */
export const isSame = (left: Actor, right: Actor): boolean => left.kind === right.kind && left.id === right.id

/**
 * An actor in one word, for messages and logs.
 *
 * @category formatting
 * @since 0.1.0
 */
export const render = (actor: Actor): string => `${actor.kind} ${actor.id}`
