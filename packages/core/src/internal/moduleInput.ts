import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { RE2JS } from "re2js"
import type * as Module from "../catalog/Module.ts"
import * as Priority from "../composition/Priority.ts"
import * as Requirement from "../composition/Requirement.ts"
import { type CommandError, invalidInput } from "../events/CommandError.ts"
import type { TrustPolicy } from "../ingest/SignatureVerifier.ts"
import * as ModuleSpecs from "../specs/ModuleSpecs.ts"

/** A priority within a category. */
export const requirePriority = (priority: number): Effect.Effect<number, CommandError> =>
  Priority.isPriority(priority)
    ? Effect.succeed(priority)
    : Effect.fail(invalidInput("priority", "an integer from 0 to 999", String(priority)))

/** Patterns that can be compiled; the signature verifier decides what else it accepts. */
export const requirePatterns = Effect.fnUntraced(function*(policy: TrustPolicy | undefined) {
  for (const signer of policy?.signers ?? []) {
    if (signer.kind === "key") continue
    for (const [field, matcher] of Object.entries({ issuer: signer.issuer, identity: signer.identity })) {
      if (!("pattern" in matcher)) continue
      const compiled = Result.try(() => RE2JS.compile(matcher.pattern))
      if (Result.isFailure(compiled)) {
        return yield* invalidInput(`trustPolicy ${field}`, "an RE2 expression", JSON.stringify(matcher.pattern))
      }
    }
  }
})

/** Specs and dependencies that can be read. */
export const requireSpecs = Effect.fnUntraced(
  function*(
    { specs, dependencies }: {
      readonly specs?: Module.Specs | undefined
      readonly dependencies?: Module.Dependencies | undefined
    }
  ) {
    const valid = specs === undefined ? undefined : ModuleSpecs.validate(specs)
    if (valid !== undefined && Result.isFailure(valid)) {
      return yield* invalidInput("specs", "patterns and package names", valid.failure.message)
    }
    const { requires = [], recommends = [], conflicts = [] } = dependencies ?? {}
    const wrong = [...requires, ...recommends, ...conflicts].find(({ version }) =>
      version !== undefined && !Requirement.isRange(version)
    )
    if (wrong !== undefined) {
      return yield* invalidInput("dependencies", "semantic version ranges", JSON.stringify(Requirement.render(wrong)))
    }
  }
)
