/** Assertions of the contract suite, which knows no test runner. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import { isDeepStrictEqual } from "node:util"
import type { Reason } from "../../RegistryError.ts"
import { RegistryError } from "../../RegistryError.ts"

/** The registry did something else than the contract says. */
export class ContractViolation extends Schema.TaggedError<ContractViolation>("@lamina/oci/testing/ContractViolation")(
  "ContractViolation",
  { what: Schema.String, expected: Schema.String, actual: Schema.String }
) {
  override get message(): string {
    return `${this.what}: expected ${this.expected}, got ${this.actual}`
  }
}

const show = (value: unknown): string => JSON.stringify(value) ?? String(value)

/** Two values are equal in all their parts. */
export const equal = (what: string, actual: unknown, expected: unknown): Effect.Effect<void, ContractViolation> =>
  isDeepStrictEqual(actual, expected)
    ? Effect.void
    : Effect.fail(new ContractViolation({ what, expected: show(expected), actual: show(actual) }))

/** An effect fails with a `RegistryError` for one of the reasons. */
export const fails = <A, R>(
  what: string,
  effect: Effect.Effect<A, RegistryError, R>,
  ...reasons: ReadonlyArray<Reason["_tag"]>
): Effect.Effect<void, ContractViolation, R> =>
  Effect.flatMap(Effect.exit(effect), (exit) => {
    const error = Exit.isFailure(exit) ? Exit.findErrorOption(exit) : undefined
    const actual = error?._tag === "Some" && error.value instanceof RegistryError ? error.value.reason._tag : show(exit)
    return reasons.some((reason) => reason === actual)
      ? Effect.void
      : Effect.fail(new ContractViolation({ what, expected: reasons.join(" or "), actual }))
  })
