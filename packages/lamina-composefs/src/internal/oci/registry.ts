/** Images in a registry: `docker://HOST/REPOSITORY[:TAG][@DIGEST]`. */
import * as Credentials from "@lamina/oci/Credentials"
import * as HttpRegistry from "@lamina/oci/HttpRegistry"
import * as Reference from "@lamina/oci/Reference"
import type { RegistryError } from "@lamina/oci/RegistryError"
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
  const { registry: host } = reference
  const version = Reference.version(reference)
  if (host === undefined || version === undefined) {
    return yield* new Misuse({ problem: `expected docker://HOST/REPOSITORY:TAG or @DIGEST, got docker:${text}` })
  }
  const { LAMINA_REGISTRY_PASSWORD: password = "", LAMINA_REGISTRY_USER: user } = io.environment
  const registry = yield* Effect.mapError(
    HttpRegistry.make({
      url: `${values["plain-http"] ? "http" : "https"}://${host}`,
      credentials: user === undefined ? undefined : Credentials.basic(user, Redacted.make(password))
    }),
    (error) => values["plain-http"] && isAboutUrl(error) ? notThisMachine(host) : error
  )
  return { registry, repository: reference.repository, version }
})

/** The host was parsed before: all that can be wrong with its URL is plain http to somewhere else. */
const isAboutUrl = ({ reason }: RegistryError): boolean => reason._tag === "Malformed" && reason.what === "registry URL"

const notThisMachine = (host: string): Misuse =>
  new Misuse({
    problem: `--plain-http: expected a registry on this machine, got ${host}; ` +
      "what is not encrypted is nothing for a network"
  })
