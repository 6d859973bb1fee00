/** What the registries that store manifests themselves check before they take one. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Descriptor from "../Descriptor.ts"
import * as Digest from "../Digest.ts"
import * as Manifest from "../Manifest.ts"
import * as MediaType from "../MediaType.ts"
import { DigestMismatch, NotFound } from "../RegistryError.ts"
import type { RegistryError } from "../RegistryError.ts"
import { checkNames, checkTag, type Failing, orFail } from "./failure.ts"

/** A manifest that may be stored. */
export interface Admitted {
  readonly manifest: Manifest.Manifest
  readonly descriptor: Descriptor.Descriptor
  readonly bytes: Uint8Array
}

/** How to find out what the repository holds. */
export interface Holdings {
  readonly hasBlob: (descriptor: Descriptor.Descriptor) => Effect.Effect<boolean, RegistryError>
  readonly hasManifest: (descriptor: Descriptor.Descriptor) => Effect.Effect<boolean, RegistryError>
}

/** Checks names, size, form, digest and, unless the registry allows sparse manifests, that every part is there. */
export const admit = Effect.fnUntraced(function*(
  fail: Failing,
  repository: string,
  input: { readonly mediaType: string; readonly bytes: Uint8Array },
  options: { readonly tags?: ReadonlyArray<string> | undefined; readonly digest?: Digest.Digest | undefined },
  holdings: Holdings | undefined
): Effect.fn.Return<Admitted, RegistryError> {
  yield* checkNames(fail, repository, ...(options.tags ?? []).map(checkTag))
  const bytes = input.bytes.slice()
  const manifest = yield* orFail(
    Manifest.parse(bytes, input.mediaType, { maximumBytes: Manifest.maximumPushBytes }),
    fail
  )
  const digest = yield* orFail(digestOf(bytes, options.digest), fail)
  if (holdings !== undefined) yield* checkParts(fail, manifest, holdings)
  return { manifest, bytes, descriptor: { mediaType: manifest.mediaType, digest, size: bytes.byteLength } }
})

const digestOf = (
  bytes: Uint8Array,
  expected: Digest.Digest | undefined
): Result.Result<Digest.Digest, DigestMismatch> => {
  const actual = Digest.ofBytes(bytes, expected === undefined ? "sha256" : Digest.algorithm(expected))
  return expected === undefined || actual === expected
    ? Result.succeed(actual)
    : Result.fail(new DigestMismatch({ expected, actual }))
}

const checkParts = Effect.fnUntraced(function*(fail: Failing, manifest: Manifest.Manifest, holdings: Holdings) {
  for (const part of Manifest.children(manifest)) {
    if (MediaType.isNonDistributable(part.mediaType)) continue
    const isManifest = manifest._tag === "Index" && MediaType.isManifest(part.mediaType)
    const present = yield* (isManifest ? holdings.hasManifest(part) : holdings.hasBlob(part))
    if (!present) return yield* fail(new NotFound({ kind: isManifest ? "manifest" : "blob", name: part.digest }))
  }
})
