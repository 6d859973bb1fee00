/**
 * Secrets that a repository's workflows can read. The API never tells a value.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { Buffer } from "node:buffer"
import { GiteaError } from "./GiteaError.ts"
import type { Call, GiteaHttp } from "./GiteaHttp.ts"
import type { RepositoryName } from "./Repositories.ts"

/**
 * The calls that concern secrets; `put` tells whether the secret was new. Names are stored in upper case.
 *
 * @category models
 * @since 0.1.0
 */
export interface ActionSecrets {
  readonly put: (
    repository: RepositoryName,
    name: string,
    value: Redacted.Redacted<string>
  ) => Effect.Effect<"created" | "updated", GiteaError>
  readonly delete: (repository: RepositoryName, name: string) => Effect.Effect<void, GiteaError>
}

/**
 * The largest value, in UTF-8 bytes.
 *
 * @category constants
 * @since 0.1.0
 */
export const maxValueBytes = 65_536

const namePattern = /^[A-Z_][A-Z0-9_]{0,254}$/
const reservedPattern = /^(?:GITEA_|GITHUB_|FORGEJO_|CI$)/

const problemOfName = (name: string): string | undefined => {
  const stored = name.toUpperCase()
  if (!namePattern.test(stored)) return "expected letters, digits and _, beginning with no digit"
  if (reservedPattern.test(stored)) return "names that begin with GITEA_, GITHUB_ or FORGEJO_, and CI, are reserved"
  return undefined
}

const problemOfValue = (value: Redacted.Redacted<string>): string | undefined => {
  const size = Buffer.byteLength(Redacted.value(value))
  return size <= maxValueBytes ? undefined : `expected at most ${maxValueBytes} bytes, got ${size}`
}

const callOf = (method: "PUT" | "DELETE", { name: repository, owner }: RepositoryName, name: string): Call => ({
  method,
  path: ["repos", owner, repository, "actions", "secrets", name]
})

const checkInput = (call: Call, field: string, problem: string | undefined): Effect.Effect<void, GiteaError> =>
  problem === undefined ? Effect.void : Effect.fail(
    new GiteaError({
      method: call.method,
      path: `/${call.path.join("/")}`,
      reason: { _tag: "InvalidInput", field, problem }
    })
  )

/**
 * The resource over a connection.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (http: GiteaHttp): ActionSecrets => ({
  put: Effect.fnUntraced(function*(repository, name, value) {
    const call = callOf("PUT", repository, name)
    yield* checkInput(call, "name", problemOfName(name))
    yield* checkInput(call, "value", problemOfValue(value))
    const reply = yield* http.send({ ...call, json: { data: Redacted.value(value) } })
    return reply.status === 201 ? "created" : "updated"
  }),
  delete: Effect.fnUntraced(function*(repository, name) {
    const call = callOf("DELETE", repository, name)
    yield* checkInput(call, "name", problemOfName(name))
    yield* http.send(call)
  })
})
