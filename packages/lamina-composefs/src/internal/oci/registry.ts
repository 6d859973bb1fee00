/** Images in a registry: `docker://HOST/REPOSITORY[:TAG][@DIGEST]`. */
import * as Credentials from "@lamina/oci/Credentials"
import * as HttpRegistry from "@lamina/oci/HttpRegistry"
import * as Reference from "@lamina/oci/Reference"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { Misuse } from "../failure.ts"
import type { Io } from "../io.ts"
import type { SourceValues } from "../sourceOptions.ts"

/** Finds the image that the text after `docker:` names. */
export const locate = Effect.fnUntraced(function*(text: string, values: SourceValues, io: Io) {
  const reference = yield* Effect.mapError(
    Effect.fromResult(Reference.parse(text.replace(/^\/\//, ""))),
    ({ message }) => new Misuse({ problem: message })
  )
  const version = Reference.version(reference)
  if (reference.registry === undefined || version === undefined) {
    return yield* new Misuse({ problem: `expected docker://HOST/REPOSITORY:TAG or @DIGEST, got docker:${text}` })
  }
  const { LAMINA_REGISTRY_PASSWORD: password = "", LAMINA_REGISTRY_USER: user } = io.environment
  const registry = yield* HttpRegistry.make({
    url: `${values["plain-http"] ? "http" : "https"}://${reference.registry}`,
    credentials: user === undefined ? undefined : Credentials.basic(user, Redacted.make(password))
  })
  return { registry, repository: reference.repository, version }
})
