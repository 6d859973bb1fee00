import { Artifact, Descriptor, HttpRegistry, MediaType, MemoryRegistry } from "@lamina/oci"
import type { RegistryError } from "@lamina/oci"
import { type Fault, FaultyRegistry } from "@lamina/oci/testing"
import * as Effect from "effect/Effect"

export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)

/** A blob of several chunks whose bytes differ. */
export const large = Uint8Array.from({ length: 1_000_000 }, (_, index) => (index * 31 + (index >> 8)) & 0xff)
export const largeDescriptor = Descriptor.ofBytes(MediaType.octetStream, large)

export const repository = "attack/demo"

/** A registry with one blob and one artifact `v1`, behind a server with faults, and a client of it. */
export const scene = Effect.fnUntraced(function*(
  faults: ReadonlyArray<Fault.Fault>,
  options?:
    & Partial<HttpRegistry.Options>
    & Pick<NonNullable<Parameters<typeof FaultyRegistry.listen>[1]>, "profile" | "authorize">
) {
  const memory = yield* MemoryRegistry.make()
  yield* memory.putBlob(repository, largeDescriptor, large)
  const artifact = yield* Artifact.push(memory, repository, { artifactType: "application/vnd.example", tags: ["v1"] })
  const { authorize, profile, ...client } = options ?? {}
  const server = yield* FaultyRegistry.listen(memory, { faults, authorize, profile })
  const registry = yield* HttpRegistry.make({ url: server.url, retry: { times: 2, initialMillis: 5 }, ...client })
  return { memory, server, registry, artifact }
})

/** The reason for which an effect fails. */
export const reasonOf = <A, R>(effect: Effect.Effect<A, RegistryError.RegistryError, R>) =>
  Effect.map(Effect.flip(effect), ({ reason }) => reason)

/** The `Authorization` headers that a server has seen. */
export const authorizations = (server: FaultyRegistry.Faulty): ReadonlyArray<string> =>
  server.requests.flatMap(({ headers }) => headers.get("authorization") ?? [])
