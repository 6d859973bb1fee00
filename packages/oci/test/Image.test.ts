import { assert, describe, it } from "@effect/vitest"
import { Descriptor, Digest, Image, Manifest, MediaType, MemoryRegistry, type Registry } from "@lamina/oci"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"

const text = (value: string) => new TextEncoder().encode(value)
const json = (value: unknown) => text(JSON.stringify(value))

const push = Effect.fnUntraced(function*(
  registry: Registry.Registry,
  layers: ReadonlyArray<string>,
  options?: {
    readonly tag?: string
    readonly config?: unknown
    readonly configType?: string
  }
) {
  const descriptors = yield* Effect.forEach(layers, (layer) => {
    const descriptor = Descriptor.ofBytes(MediaType.layerTar, text(layer))
    return Effect.as(registry.putBlob("app", descriptor, text(layer)), descriptor)
  })
  const config = json(
    options?.config ?? {
      architecture: "amd64",
      os: "linux",
      config: { Env: null, Labels: { a: "b" }, Cmd: ["sh"] },
      history: [{ created_by: "x" }],
      rootfs: { type: "layers", diff_ids: layers.map((layer) => Digest.ofBytes(text(layer))) }
    }
  )
  const descriptor = Descriptor.ofBytes(options?.configType ?? MediaType.imageConfig, config)
  yield* registry.putBlob("app", descriptor, config)
  const manifest = Manifest.image({ config: descriptor, layers: descriptors })
  return yield* registry.putManifest("app", manifest, { tags: options?.tag === undefined ? [] : [options.tag] })
})

const platforms: ReadonlyArray<Descriptor.Platform | undefined> = [
  { os: "unknown", architecture: "unknown" },
  { os: "windows", architecture: "amd64" },
  { os: "linux", architecture: "amd64" },
  { os: "linux", architecture: "amd64", variant: "v3" },
  { os: "linux", architecture: "arm", variant: "v6" },
  { os: "linux", architecture: "arm", variant: "v7" },
  { os: "linux", architecture: "arm64" },
  undefined
]

const pushIndex = Effect.fnUntraced(function*(registry: Registry.Registry) {
  const manifests = yield* Effect.forEach(
    platforms,
    (platform, at) =>
      Effect.map(push(registry, [`layer ${at}`]), (descriptor) => platform ? { ...descriptor, platform } : descriptor)
  )
  const index = yield* registry.putManifest("app", Manifest.index({ manifests }))
  const outer = Manifest.index({ manifests: [index] })
  return yield* registry.putManifest("app", outer, { tags: ["latest"] })
})

const contentOf = ({ content }: Image.Layer) =>
  Effect.map(Stream.runCollect(content), (chunks) => Buffer.concat(Array.from(chunks)).toString())

describe("Image.resolve", () => {
  it.effect("gives manifest, config and layers, which are read when they are asked for", () =>
    Effect.gen(function*() {
      const registry = yield* MemoryRegistry.make()
      const descriptor = yield* push(registry, ["base", "upper"], { tag: "1" })
      for (const reference of ["1", descriptor.digest]) {
        const image = yield* Image.resolve(registry, "app", reference)
        assert.deepEqual(image.descriptor, descriptor)
        assert.deepEqual(image.config.config?.Labels, { a: "b" })
        assert.deepEqual(yield* Effect.forEach(image.layers, contentOf), ["base", "upper"])
        assert.deepEqual(image.layers.map(({ diffId }) => diffId), [
          Digest.ofBytes(text("base")),
          Digest.ofBytes(text("upper"))
        ])
        assert.deepEqual(image.layers.map(({ mediaType }) => mediaType), [MediaType.layerTar, MediaType.layerTar])
      }
    }))

  it.effect("chooses of an index the image of the platform, and what an older variant was made for", () =>
    Effect.gen(function*() {
      const registry = yield* MemoryRegistry.make()
      yield* pushIndex(registry)
      const chosen = (platform: Image.PlatformChoice) =>
        Effect.flatMap(
          Image.resolve(registry, "app", "latest", { platform }),
          ({ layers }) => Effect.forEach(layers, contentOf)
        )
      assert.deepEqual(yield* chosen({ architecture: "amd64" }), ["layer 2"])
      assert.deepEqual(yield* chosen({ os: "windows", architecture: "amd64" }), ["layer 1"])
      assert.deepEqual(yield* chosen({ architecture: "amd64", variant: "v4" }), ["layer 3"])
      assert.deepEqual(yield* chosen({ architecture: "amd64", variant: "v2" }), ["layer 2"])
      assert.deepEqual(yield* chosen({ architecture: "arm" }), ["layer 4"])
      assert.deepEqual(yield* chosen({ architecture: "arm", variant: "v8" }), ["layer 5"])
      assert.deepEqual(yield* chosen({ architecture: "arm", variant: "v6" }), ["layer 4"])
      assert.deepEqual(yield* chosen({ architecture: "arm64", variant: "v8" }), ["layer 6"])
      const error = yield* Effect.flip(chosen({ architecture: "s390x" }))
      assert.match(error.message, /manifest for linux\/s390x \(there is .*linux\/arm\/v7.*\) does not exist/)
      assert.match((yield* Effect.flip(chosen({ architecture: "arm", variant: "v5" }))).message, /linux\/arm\/v5/)
    }))

  it.effect("takes a single image of an index that names no platform", () =>
    Effect.gen(function*() {
      const registry = yield* MemoryRegistry.make()
      const descriptor = yield* push(registry, ["x"])
      yield* registry.putManifest("app", Manifest.index({ manifests: [descriptor] }), { tags: ["one"] })
      assert.deepEqual((yield* Image.resolve(registry, "app", "one")).descriptor, descriptor)
    }))

  it.effect("refuses artifacts, configs that are too large or contradict the manifest, and ladders of indexes", () =>
    Effect.gen(function*() {
      const registry = yield* MemoryRegistry.make()
      const refusal = (reference: string, options?: Image.ResolveOptions) =>
        Effect.map(Effect.flip(Image.resolve(registry, "app", reference, options)), ({ message }) => message)
      yield* push(registry, ["x"], { tag: "artifact", configType: "application/vnd.example+json" })
      assert.match(yield* refusal("artifact"), /application\/vnd.example\+json": this is no image/)
      yield* push(registry, ["x"], { tag: "large" })
      assert.match(yield* refusal("large", { maximumConfigBytes: 20 }), /exceeds the limit of 20/)
      const config = { architecture: "amd64", os: "linux", rootfs: { type: "layers", diff_ids: [] } }
      yield* push(registry, ["x"], { tag: "few", config })
      assert.match(yield* refusal("few"), /it lists 0 layers, the manifest 1/)
      yield* push(registry, ["x"], {
        tag: "odd",
        config: { ...config, rootfs: { type: "layers", diff_ids: ["../x"] } }
      })
      assert.match(yield* refusal("odd"), /malformed image config/)
      let descriptor = yield* push(registry, ["x"])
      for (let at = 0; at < 6; at++) {
        descriptor = yield* registry.putManifest("app", Manifest.index({ manifests: [descriptor] }), { tags: ["deep"] })
      }
      assert.match(yield* refusal("deep"), /nested indexes/)
      assert.match(yield* refusal("absent"), /tag absent does not exist/)
    }))
})
