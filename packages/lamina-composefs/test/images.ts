/** OCI images of small trees, for tests. */
import { Content, Layer, Node, type Tree } from "@lamina/composefs"
import { Descriptor, Manifest, MediaType, type Registry } from "@lamina/oci"
import * as Effect from "effect/Effect"

export const treeOf = (word: string): Tree.Tree => ({
  root: Node.directory({
    etc: Node.directory({ motd: Node.inlineFile(`${word}\n`, { xattrs: new Map([["user.k", Buffer.from("v")]]) }) }),
    usr: Node.directory({}, { mode: 0o700 })
  })
})

/** Pushes an index of two images that differ in architecture and content. */
export const push = Effect.fnUntraced(function*(registry: Registry.Registry, repository: string, tag: string) {
  const manifests = [
    yield* pushOne(registry, repository, "amd64"),
    yield* pushOne(registry, repository, "arm64")
  ]
  return yield* registry.putManifest(repository, Manifest.index({ manifests }), { tags: [tag] })
})

const pushOne = Effect.fnUntraced(function*(registry: Registry.Registry, repository: string, architecture: string) {
  const { bytes, info } = yield* Layer.toBytes(treeOf(architecture), yield* Content.memory())
  const layer = Descriptor.ofBytes(Layer.mediaType, bytes)
  yield* registry.putBlob(repository, layer, bytes)
  const config = Buffer.from(
    JSON.stringify({ architecture, os: "linux", rootfs: { type: "layers", diff_ids: [info.diffId] } })
  )
  const descriptor = Descriptor.ofBytes(MediaType.imageConfig, config)
  yield* registry.putBlob(repository, descriptor, config)
  const manifest = yield* registry.putManifest(repository, Manifest.image({ config: descriptor, layers: [layer] }))
  return { ...manifest, platform: { os: "linux", architecture } }
})
