/**
 * A registry in memory for tests: an `ArtifactSource`, and the hands of a publisher, honest or not.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { ArtifactSource, ArtifactSourceError, type PublishedModule } from "../ingest/ArtifactSource.ts"
import { digestOf } from "../specs/internal/Sha256.ts"

/**
 * What is published: a module, its version, and the files that it holds for every architecture.
 *
 * @category models
 * @since 0.1.0
 */
export interface Publication {
  readonly repository: string
  readonly tag: string
  readonly moduleName: string
  readonly versionString: string
  readonly manifestText: string
  readonly files: ReadonlyArray<string>
  readonly architectures?: ReadonlyArray<string> | undefined
  /** Makes another build of the same: other digests. */
  readonly build?: string | undefined
  readonly sbom?: boolean | undefined
}

/**
 * The hands of a publisher, and of fate.
 *
 * @category services
 * @since 0.1.0
 */
export class FakeRegistry extends Context.Service<FakeRegistry, {
  /** Publishes, and moves the tag there. */
  readonly publish: (publication: Publication) => Effect.Effect<PublishedModule>
  /** Changes the bytes behind a manifest, so that computing gives other digests than the publisher named. */
  readonly corrupt: (manifestDigest: string) => Effect.Effect<void>
  /** Makes every call fail with `unavailable` from now on, or no more. */
  readonly setAvailable: (available: boolean) => Effect.Effect<void>
  /** The calls so far, such as `resolve repo v1`. */
  readonly calls: Effect.Effect<ReadonlyArray<string>>
}>()("@lamina/core/testing/FakeRegistry") {}

interface Stored {
  readonly published: PublishedModule
  readonly files: ReadonlyArray<string>
}

/**
 * An empty registry, both sides of it.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<FakeRegistry | ArtifactSource> = Layer.effectContext(Effect.sync(() => {
  const tags = new Map<string, string>()
  const modules = new Map<string, Stored>()
  const corrupted = new Set<string>()
  const calls: Array<string> = []
  let available = true

  const answer = <A>(
    operation: string,
    subject: string,
    find: () => A | undefined
  ): Effect.Effect<A, ArtifactSourceError> =>
    Effect.suspend(() => {
      calls.push(`${operation} ${subject}`)
      const fail = (kind: "unavailable" | "notFound", detail: string) =>
        Effect.fail(new ArtifactSourceError({ operation, subject, kind, detail }))
      if (!available) return fail("unavailable", "the registry does not answer")
      const value = find()
      return value === undefined ? fail("notFound", "there is no such thing") : Effect.succeed(value)
    })

  const source = ArtifactSource.of({
    resolve: (repository, tag) => answer("resolve", `${repository} ${tag}`, () => tags.get(`${repository}:${tag}`)),
    inspect: (repository, digest) =>
      answer("inspect", `${repository} ${digest}`, () => modules.get(`${repository}@${digest}`)?.published),
    recompute: (repository, artifact, { deep }) =>
      answer("recompute", `${repository} ${artifact.manifestDigest}`, () => {
        const stored = [...modules.values()].find(({ published }) =>
          published.artifacts.some(({ manifestDigest }) => manifestDigest === artifact.manifestDigest)
        )
        const isCorrupt = corrupted.has(artifact.manifestDigest)
        return stored === undefined ? undefined : {
          composefsDigest: isCorrupt ? digestOf("flipped") : artifact.composefsDigest,
          fsverityRootHash: artifact.fsverityRootHash,
          files: stored.files,
          rebuilt: deep
        }
      }),
    listTags: (repository) =>
      answer(
        "listTags",
        repository,
        () =>
          [...tags.keys()].flatMap((key) => key.startsWith(`${repository}:`) ? [key.slice(repository.length + 1)] : [])
            .sort()
      )
  })

  const registry = FakeRegistry.of({
    publish: (publication) =>
      Effect.sync(() => {
        const published = build(publication)
        const { repository, tag } = publication
        modules.set(`${repository}@${published.indexDigest}`, { published, files: publication.files })
        tags.set(`${repository}:${tag}`, published.indexDigest)
        return published
      }),
    corrupt: (manifestDigest) => Effect.sync(() => void corrupted.add(manifestDigest)),
    setAvailable: (now) => Effect.sync(() => void (available = now)),
    calls: Effect.sync(() => [...calls])
  })

  return Context.make(ArtifactSource, source).pipe(Context.add(FakeRegistry, registry))
}))

const build = (publication: Publication): PublishedModule => {
  const { architectures, ...content } = publication
  const digest = (what: string) => digestOf(JSON.stringify([what, content]))
  return {
    indexDigest: digest("index"),
    moduleName: publication.moduleName,
    versionString: publication.versionString,
    manifestText: publication.manifestText,
    fingerprint: digest("fingerprint"),
    gitSha: digest("commit").slice(7, 47),
    builtAt: undefined,
    artifacts: (architectures ?? ["amd64"]).map((architecture) => ({
      architecture,
      manifestDigest: digest(`manifest ${architecture}`),
      composefsDigest: digest(`image ${architecture}`),
      fsverityRootHash: digest(`fs-verity ${architecture}`),
      sizeBytes: 4096,
      mediaType: "application/vnd.powernode.module.composefs.v1"
    })),
    sbomDigests: publication.sbom === false ? [] : [digest("sbom")]
  }
}
