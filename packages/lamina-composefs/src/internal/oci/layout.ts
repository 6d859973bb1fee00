/** Images in an OCI image layout: `oci:DIR[:TAG]` or `oci:DIR@DIGEST`. */
import * as LayoutRegistry from "@lamina/oci/LayoutRegistry"
import * as Manifest from "@lamina/oci/Manifest"
import * as MediaType from "@lamina/oci/MediaType"
import * as Effect from "effect/Effect"
import { join } from "node:path"
import { Misuse, Unusable } from "../failure.ts"
import { existingDirectory } from "../files.ts"
import { readFile } from "../input.ts"
import type { Located } from "./layers.ts"

/** Finds the image that the text after `oci:` names. */
export const locate = Effect.fnUntraced(function*(text: string): Effect.fn.Return<Located, Misuse | Unusable> {
  const { directory, version } = splitLayout(text)
  const root = yield* existingDirectory(directory)
  const repository = "layout"
  const registry = yield* LayoutRegistry.make({ root, repository })
  return { registry, repository, version: version ?? (yield* onlyManifest(root)) }
})

/** A colon before a slash belongs to the directory. */
const splitLayout = (text: string): { readonly directory: string; readonly version: string | undefined } => {
  const [, before = "", digest] = /^([^@]+)@(sha(?:256|512):[0-9a-f]+)$/.exec(text) ?? []
  if (digest !== undefined) return { directory: before, version: digest }
  const colon = text.lastIndexOf(":")
  return colon > Math.max(0, text.lastIndexOf("/"))
    ? { directory: text.slice(0, colon), version: text.slice(colon + 1) }
    : { directory: text, version: undefined }
}

/** The manifest of a layout that has but one: then no name is needed. */
const onlyManifest = Effect.fnUntraced(function*(root: string) {
  const bytes = yield* readFile(join(root, "index.json"))
  const index = yield* Effect.mapError(
    Effect.fromResult(Manifest.parse(bytes, MediaType.imageIndex)),
    ({ message }) => new Unusable({ subject: join(root, "index.json"), problem: message })
  )
  const manifests = index._tag === "Index" ? index.document.manifests : []
  const [only, ...others] = manifests
  if (only !== undefined && others.length === 0) return only.digest
  const names = manifests.flatMap(({ annotations }) => annotations?.["org.opencontainers.image.ref.name"] ?? [])
  return yield* new Misuse({
    problem: `oci:${root} has ${manifests.length} manifests, say which: oci:${root}:TAG` +
      (names.length === 0 ? "" : `, with ${names.slice(0, 20).join(", ")}`)
  })
})
