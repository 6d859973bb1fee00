/**
 * Core's `ArtifactSource` on a registry: modules as index, manifests, config, composefs image and file layer.
 *
 * @since 0.1.0
 */
import { Content, FsVerity, Image, Layer as FileLayer, Tree } from "@lamina/composefs"
import { ArtifactSource } from "@lamina/core"
import { Blob, type Descriptor, Digest, Manifest, type Registry, RegistryError } from "@lamina/oci"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as ModuleConfig from "../artifact/ModuleConfig.ts"
import * as Sbom from "../artifact/Sbom.ts"

/**
 * The registry, and how much of it is read: the composefs image at most `maximumImageBytes` (default 256 MiB), the files
 * of a deep ingest at most `maximumFileBytes` (default 4 GiB, packed and unpacked), at most `maximumArchitectures`
 * (default 16) and `maximumTags` (default 10,000).
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  readonly registry: Registry.Registry
  readonly maximumImageBytes?: number
  readonly maximumFileBytes?: number
  readonly maximumArchitectures?: number
  readonly maximumTags?: number
}

/**
 * Provides `ArtifactSource`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: Options): Layer.Layer<ArtifactSource.ArtifactSource> => {
  const limits = {
    imageBytes: options.maximumImageBytes ?? 256 * 1024 * 1024,
    fileBytes: options.maximumFileBytes ?? 4 * 1024 * 1024 * 1024,
    architectures: options.maximumArchitectures ?? 16,
    tags: options.maximumTags ?? 10_000
  }
  const { registry } = options
  return Layer.succeed(
    ArtifactSource.ArtifactSource,
    ArtifactSource.ArtifactSource.of({
      resolve: (repository, tag) =>
        registry.resolve(repository, tag).pipe(
          Effect.map((descriptor) => descriptor.digest),
          Effect.mapError(fromRegistry("resolve", `${repository}:${tag}`))
        ),
      inspect: (repository, indexDigest) => inspect(registry, repository, indexDigest, limits),
      recompute: (repository, artifact, { deep }) => recompute(registry, repository, artifact, deep, limits),
      listTags: (repository) => listTags(registry, repository, limits)
    })
  )
}

interface Limits {
  readonly imageBytes: number
  readonly fileBytes: number
  readonly architectures: number
  readonly tags: number
}

const inspect = Effect.fn("OciArtifactSource.inspect")(
  function*(registry: Registry.Registry, repository: string, indexDigest: string, limits: Limits) {
    const subject = `${repository}@${indexDigest}`
    const refuse = malformed("inspect", subject)
    const digest = yield* digestOf("inspect", indexDigest)
    const manifest = yield* readManifest(registry, repository, digest, "inspect")
    if (manifest._tag !== "Index") {
      return yield* refuse("expected an image index with one manifest per architecture, got a single manifest")
    }
    const index = manifest.document
    if (index.manifests.length > limits.architectures) {
      return yield* refuse(
        `its index lists ${index.manifests.length} manifests, at most ${limits.architectures} are read`
      )
    }
    const manifests = yield* Effect.forEach(
      index.manifests,
      (descriptor) => readArchitecture(registry, repository, descriptor),
      { concurrency: 4 }
    )
    const [first] = manifests
    if (first === undefined) return yield* refuse("its index lists no manifests")
    for (const { config } of manifests) {
      const field = sharedFields.find((field) => config[field] !== first.config[field])
      if (field !== undefined) {
        return yield* refuse(`its ${config.architecture} and ${first.config.architecture} differ in ${field}`)
      }
    }
    const architectures = new Set(manifests.map(({ config }) => config.architecture))
    if (architectures.size < manifests.length) return yield* refuse("its index lists an architecture twice")
    const sboms = yield* registry.referrers(repository, digest, { artifactType: Sbom.mediaType }).pipe(
      Effect.mapError(fromRegistry("list the SBOMs of", subject))
    )
    return {
      indexDigest,
      moduleName: first.config.module,
      versionString: first.config.version,
      manifestText: first.config.manifest,
      fingerprint: first.config.fingerprint,
      gitSha: first.config.gitSha,
      builtAt: first.config.builtAt,
      artifacts: manifests.map(({ artifact }) => artifact),
      sbomDigests: sboms.map((sbom) => sbom.digest)
    }
  }
)

const readManifest = Effect.fnUntraced(
  function*(
    registry: Registry.Registry,
    repository: string,
    digest: Digest.Digest,
    operation: string
  ): Effect.fn.Return<Manifest.Manifest, ArtifactSource.ArtifactSourceError> {
    const subject = `${repository}@${digest}`
    const raw = yield* registry.getManifest(repository, digest).pipe(Effect.mapError(fromRegistry(operation, subject)))
    const manifest = Manifest.parse(raw.bytes, raw.descriptor.mediaType)
    return Result.isFailure(manifest)
      ? yield* malformed(operation, subject)(manifest.failure.message)
      : manifest.success
  }
)

// One version has one manifest and one source, whatever it was compiled for.
const sharedFields = ["module", "version", "manifest", "fingerprint", "gitSha", "builtAt"] as const

interface Architecture {
  readonly config: ModuleConfig.ModuleConfig
  readonly artifact: ArtifactSource.PublishedArtifact
}

const readArchitecture = Effect.fnUntraced(
  function*(registry: Registry.Registry, repository: string, descriptor: Descriptor.Descriptor) {
    const refuse = malformed("inspect", `${repository}@${descriptor.digest}`)
    const parts = yield* readParts(registry, repository, descriptor.digest)
    const config = yield* readConfig(registry, repository, parts.config, `${repository}@${descriptor.digest}`)
    const { architecture, composefsDigest, fsverityRootHash } = config
    if (descriptor.platform !== undefined && descriptor.platform.architecture !== architecture) {
      return yield* refuse(
        `the index says architecture ${descriptor.platform.architecture}, its config ${architecture}`
      )
    }
    if (composefsDigest !== parts.image.digest) {
      return yield* refuse(`its config says composefs_digest ${composefsDigest}, its layer is ${parts.image.digest}`)
    }
    return {
      config,
      artifact: {
        architecture,
        manifestDigest: descriptor.digest,
        composefsDigest,
        fsverityRootHash,
        sizeBytes: parts.image.size + parts.files.size,
        mediaType: parts.image.mediaType
      }
    } satisfies Architecture
  }
)

const readConfig = Effect.fnUntraced(
  function*(registry: Registry.Registry, repository: string, descriptor: Descriptor.Descriptor, subject: string) {
    const bytes = yield* Blob.getBytes(registry, repository, descriptor, { limit: ModuleConfig.maximumBytes }).pipe(
      Effect.mapError(fromRegistry("read the config of", subject))
    )
    const config = ModuleConfig.decode(bytes)
    return Result.isFailure(config)
      ? yield* malformed("read the config of", subject)(config.failure)
      : config.success
  }
)

interface Parts {
  readonly config: Descriptor.Descriptor
  readonly image: Descriptor.Descriptor
  readonly files: Descriptor.Descriptor
}

const readParts = Effect.fnUntraced(
  function*(registry: Registry.Registry, repository: string, digest: Digest.Digest): Effect.fn.Return<
    Parts,
    ArtifactSource.ArtifactSourceError
  > {
    const refuse = malformed("read", `${repository}@${digest}`)
    const manifest = yield* readManifest(registry, repository, digest, "read")
    if (manifest._tag !== "Image") return yield* refuse("expected a manifest, got an index inside of an index")
    const { artifactType, config, layers } = manifest.document
    if (artifactType !== ModuleConfig.artifactType) {
      return yield* refuse(`expected artifactType ${ModuleConfig.artifactType}, got ${artifactType ?? "none"}`)
    }
    if (config.mediaType !== ModuleConfig.configMediaType) {
      return yield* refuse(`expected a config of type ${ModuleConfig.configMediaType}, got ${config.mediaType}`)
    }
    const [image, files, ...rest] = layers
    if (image?.mediaType !== ModuleConfig.composefsMediaType) {
      return yield* refuse(`expected its first layer to be ${ModuleConfig.composefsMediaType}, got ${image?.mediaType}`)
    }
    if (files?.mediaType !== ModuleConfig.fileLayerMediaType || rest.length > 0) {
      return yield* refuse(`expected one further layer, ${ModuleConfig.fileLayerMediaType}`)
    }
    return { config, image, files }
  }
)

const recompute = Effect.fn("OciArtifactSource.recompute")(
  function*(
    registry: Registry.Registry,
    repository: string,
    artifact: ArtifactSource.PublishedArtifact,
    deep: boolean,
    limits: Limits
  ) {
    const subject = `${repository}@${artifact.manifestDigest}`
    const refuse = malformed("recompute", subject)
    const parts = yield* readParts(registry, repository, yield* digestOf("recompute", artifact.manifestDigest))
    const bytes = yield* Blob.getBytes(registry, repository, parts.image, { limit: limits.imageBytes }).pipe(
      Effect.mapError(fromRegistry("fetch the image of", subject))
    )
    // What is not rebuilt has to be in canonical form at least, so that a kernel sees in it what is seen here.
    const image = Image.read(bytes, { canonical: !deep })
    if (Result.isFailure(image)) return yield* refuse(`its composefs image: ${image.failure.message}`)
    const { tree, version } = image.success
    // Version 2 leaves whiteouts to the image's own mount, where they hide nothing of the images below.
    if (version === 2) return yield* refuse("its composefs image: expected format version 0 or 1, got 2")
    const rebuilt = deep ? yield* rebuild(registry, repository, parts, subject, { ...limits, version }) : undefined
    const composefsDigest = Digest.ofBytes(bytes)
    if (rebuilt !== undefined && rebuilt !== composefsDigest) {
      return yield* digestMismatch(
        "rebuild",
        subject,
        `expected the image ${parts.image.digest} from its files, got ${rebuilt}`
      )
    }
    return {
      composefsDigest,
      fsverityRootHash: FsVerity.format(FsVerity.digest(bytes)),
      files: filesOf(tree),
      rebuilt: rebuilt !== undefined
    }
  }
)

// Contents only have to be hashed; the tree keeps the digests.
const hashing: Content.ContentSink = {
  put: (content, options) =>
    Effect.suspend(() => {
      const hasher = FsVerity.hasher()
      let size = 0
      return Stream.runForEach(content, (chunk) =>
        Effect.sync(() => {
          size += chunk.byteLength
          hasher.update(chunk)
        })).pipe(
          Effect.map(() => ({ digest: hasher.digest(), size })),
          Effect.filterOrFail(
            ({ digest }) => options?.expected === undefined || options.expected === digest,
            ({ digest }) =>
              new Content.ContentError({
                reason: { _tag: "Mismatch", expected: options?.expected ?? "", actual: digest }
              })
          )
        )
    })
}

const filesOf = (tree: Tree.Tree): ReadonlyArray<string> =>
  Array.from(Tree.walk(tree)).filter(({ node }) => node._tag !== "Directory").map(({ path }) => path).toSorted()

const rebuild = Effect.fnUntraced(
  function*(
    registry: Registry.Registry,
    repository: string,
    parts: Parts,
    subject: string,
    { fileBytes, version }: Limits & { readonly version: Image.CommonVersion }
  ) {
    const refuse = malformed("rebuild", subject)
    const { digest, size } = parts.files
    if (size > fileBytes) {
      return yield* limitExceeded("rebuild", subject, `expected at most ${fileBytes} bytes of files, got ${size}`)
    }
    const { fileLayerDiffId } = yield* readConfig(registry, repository, parts.config, subject)
    const blob = yield* registry.getBlob(repository, digest, { size }).pipe(
      Effect.mapError(fromRegistry("fetch the files of", subject))
    )
    const { info, tree } = yield* FileLayer.read(blob.stream, { contents: hashing, maxArchiveSize: fileBytes }).pipe(
      Effect.catch((error) => {
        switch (error._tag) {
          case "RegistryError":
            return Effect.fail(fromRegistry("fetch the files of", subject)(error))
          case "LayerError":
            return error.reason._tag === "LimitExceeded"
              ? limitExceeded("rebuild", subject, error.message)
              : refuse(error.message)
          case "ContentError":
            return refuse(error.message)
        }
      })
    )
    if (info.digest !== digest) {
      return yield* digestMismatch("rebuild", subject, `expected the file layer ${digest}, got ${info.digest}`)
    }
    if (info.diffId !== fileLayerDiffId) {
      return yield* digestMismatch(
        "rebuild",
        subject,
        `expected a file layer with diffId ${fileLayerDiffId}, got ${info.diffId}`
      )
    }
    const image = Image.write(tree, { version })
    return Result.isFailure(image) ? yield* refuse(image.failure.message) : Digest.ofBytes(image.success)
  },
  Effect.scoped
)

const listTags = Effect.fnUntraced(function*(registry: Registry.Registry, repository: string, limits: Limits) {
  const tags: Array<string> = []
  let last: string | undefined
  do {
    const page = yield* registry.listTags(repository, { last }).pipe(
      Effect.mapError(fromRegistry("list tags of", repository))
    )
    tags.push(...page.names)
    // A page without names that goes on, and on, would never end.
    if (tags.length > limits.tags || (page.next !== undefined && page.names.length === 0)) {
      return yield* limitExceeded("list tags of", repository, `expected at most ${limits.tags} tags, there are more`)
    }
    last = page.next
  } while (last !== undefined)
  return tags
})

const digestOf = (
  operation: string,
  text: string
): Effect.Effect<Digest.Digest, ArtifactSource.ArtifactSourceError> =>
  Result.match(Digest.parse(text), {
    onSuccess: Effect.succeed,
    onFailure: (error) => malformed(operation, text.slice(0, 160))(error.message)
  })

const digestMismatch = (operation: string, subject: string, detail: string) =>
  new ArtifactSource.ArtifactSourceError({ operation, subject, kind: "digestMismatch", detail })

const limitExceeded = (operation: string, subject: string, detail: string) =>
  Effect.fail(new ArtifactSource.ArtifactSourceError({ operation, subject, kind: "limitExceeded", detail }))

const malformed =
  (operation: string, subject: string) => (detail: string): Effect.Effect<never, ArtifactSource.ArtifactSourceError> =>
    Effect.fail(new ArtifactSource.ArtifactSourceError({ operation, subject, kind: "malformed", detail }))

const fromRegistry =
  (operation: string, subject: string) => (error: RegistryError.RegistryError): ArtifactSource.ArtifactSourceError =>
    new ArtifactSource.ArtifactSourceError({
      operation,
      subject,
      kind: kindOf(error.reason._tag),
      detail: error.reason.message
    })

const kindOf = (tag: RegistryError.Reason["_tag"]): ArtifactSource.ArtifactSourceError["kind"] => {
  switch (tag) {
    case "NotFound":
      return "notFound"
    case "DigestMismatch":
    case "SizeMismatch":
      return "digestMismatch"
    case "LimitExceeded":
      return "limitExceeded"
    case "Unauthorized":
    case "UnsafeRedirect":
      return "denied"
    case "Malformed":
    case "Unsupported":
      return "malformed"
    case "RateLimited":
    case "UnexpectedResponse":
    case "Unavailable":
      return "unavailable"
  }
}
