/** The contract of manifests, tags, referrers and lists. */
import * as Effect from "effect/Effect"
import * as Artifact from "../../Artifact.ts"
import * as Descriptor from "../../Descriptor.ts"
import * as Digest from "../../Digest.ts"
import * as Manifest from "../../Manifest.ts"
import * as MediaType from "../../MediaType.ts"
import type { Registry } from "../../Registry.ts"
import type { Case } from "../RegistryContract.ts"
import { equal, fails } from "./expect.ts"

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)
const json = (value: unknown): Uint8Array => bytesOf(JSON.stringify(value))
const type = "application/vnd.example.contract"

const push = (registry: Registry, repository: string, name: string, tags?: ReadonlyArray<string>) =>
  Artifact.push(registry, repository, { artifactType: type, annotations: { name }, tags })

const digests = (descriptors: ReadonlyArray<Descriptor.Descriptor>) => descriptors.map(({ digest }) => digest).sort()

/** All of them. */
export const cases: ReadonlyArray<Case> = [
  {
    name: "gives back the exact bytes of a manifest, by tag and by digest",
    run: Effect.fnUntraced(function*(registry, repository) {
      yield* registry.putBlob(repository, Manifest.emptyDescriptor, Manifest.emptyBytes)
      const document = {
        annotations: { "dev.example.é": "non-ASCII and\nblanks stay" },
        layers: [Manifest.emptyDescriptor],
        config: Manifest.emptyDescriptor,
        unknown: { field: [1, 2.5, null] },
        artifactType: type,
        mediaType: MediaType.imageManifest,
        schemaVersion: 2
      }
      const bytes = bytesOf(JSON.stringify(document, null, 3))
      const put = yield* registry.putManifest(repository, { mediaType: MediaType.imageManifest, bytes }, {
        tags: ["v1"]
      })
      yield* equal("descriptor", put, Descriptor.ofBytes(MediaType.imageManifest, bytes))
      for (const reference of ["v1", put.digest]) {
        const got = yield* registry.getManifest(repository, reference)
        yield* equal("descriptor", got.descriptor, put)
        yield* equal("bytes", Buffer.from(got.bytes).toString(), Buffer.from(bytes).toString())
        yield* equal("resolved", yield* registry.resolve(repository, reference), put)
      }
    })
  },
  {
    name: "points several tags to a manifest, and a tag to a new one",
    run: Effect.fnUntraced(function*(registry, repository) {
      const first = yield* push(registry, repository, "first", ["a", "b"])
      const second = yield* push(registry, repository, "second", ["b"])
      yield* equal("a", (yield* registry.resolve(repository, "a")).digest, first.digest)
      yield* equal("b", (yield* registry.resolve(repository, "b")).digest, second.digest)
      yield* equal("untagged", (yield* registry.resolve(repository, first.digest)).digest, first.digest)
    })
  },
  {
    name: "keeps a manifest that no tag points to",
    run: Effect.fnUntraced(function*(registry, repository) {
      const descriptor = yield* push(registry, repository, "untagged")
      yield* equal("resolved", yield* registry.resolve(repository, descriptor.digest), descriptor)
    })
  },
  {
    name: "takes an index of manifests, and an index of indexes",
    run: Effect.fnUntraced(function*(registry, repository) {
      const manifest = yield* push(registry, repository, "leaf")
      const index = Manifest.index({ manifests: [{ ...manifest, platform: { os: "linux", architecture: "arm64" } }] })
      yield* registry.putManifest(repository, index)
      const outer = Manifest.index({ manifests: [index.descriptor] })
      yield* registry.putManifest(repository, outer, { tags: ["outer"] })
      yield* equal("resolved", yield* registry.resolve(repository, "outer"), outer.descriptor)
      yield* equal("inner", yield* registry.resolve(repository, index.descriptor.digest), index.descriptor)
    })
  },
  {
    name: "says that a manifest, tag or repository is not there",
    run: Effect.fnUntraced(function*(registry, repository) {
      const nothing = Digest.ofBytes(bytesOf("nothing"))
      for (const name of [repository, `${repository}-used`]) {
        if (name !== repository) yield* push(registry, name, "used", ["used"])
        yield* fails("resolve a tag", registry.resolve(name, "nothing"), "NotFound")
        yield* fails("resolve a digest", registry.resolve(name, nothing), "NotFound")
        yield* fails("get", registry.getManifest(name, "nothing"), "NotFound")
        yield* fails("delete", registry.deleteManifest(name, nothing), "NotFound")
      }
      yield* fails("tags", registry.listTags(repository), "NotFound")
    })
  },
  {
    name: "refuses manifests that are confused or malformed",
    run: Effect.fnUntraced(function*(registry, repository) {
      yield* registry.putBlob(repository, Manifest.emptyDescriptor, Manifest.emptyBytes)
      const { emptyDescriptor: part } = Manifest
      const image = { schemaVersion: 2, mediaType: MediaType.imageManifest, config: part, layers: [part] }
      const bad: ReadonlyArray<readonly [string, string, Uint8Array]> = [
        ["an image as an index", MediaType.imageIndex, json(image)],
        ["an image with manifests", MediaType.imageManifest, json({ ...image, manifests: [] })],
        ["an index with layers", MediaType.imageIndex, json({ schemaVersion: 2, manifests: [], layers: [] })],
        ["schema version 1", MediaType.imageManifest, json({ ...image, schemaVersion: 1 })],
        ["equal keys", MediaType.imageManifest, bytesOf(JSON.stringify(image).replace("{", "{\"layers\":[],"))],
        ["an unknown type", "application/json", json(image)],
        ["a negative size", MediaType.imageManifest, json({ ...image, layers: [{ ...part, size: -1 }] })],
        [
          "a digest in upper case",
          MediaType.imageManifest,
          json({ ...image, config: { ...part, digest: "sha256:A" } })
        ],
        ["not JSON", MediaType.imageManifest, bytesOf("{")]
      ]
      for (const [what, mediaType, bytes] of bad) {
        yield* fails(what, registry.putManifest(repository, { mediaType, bytes }, { tags: ["bad"] }), "Malformed")
      }
      yield* fails("resolve", registry.resolve(repository, "bad"), "NotFound")
    })
  },
  {
    name: "refuses a manifest of more than 4 MiB",
    run: Effect.fnUntraced(function*(registry, repository) {
      yield* registry.putBlob(repository, Manifest.emptyDescriptor, Manifest.emptyBytes)
      const large = Manifest.artifact({ artifactType: type, annotations: { large: "x".repeat(4 * 1024 * 1024) } })
      yield* fails("put", registry.putManifest(repository, large), "LimitExceeded")
      const fitting = Manifest.artifact({ artifactType: type, annotations: { large: "x".repeat(4 * 1024 * 1000) } })
      yield* registry.putManifest(repository, fitting)
    })
  },
  {
    name: "refuses a manifest whose parts are not there",
    needs: ["missing-parts"],
    run: Effect.fnUntraced(function*(registry, repository) {
      const missing = Descriptor.ofBytes(MediaType.octetStream, bytesOf(`missing in ${repository}`))
      yield* registry.putBlob(repository, Manifest.emptyDescriptor, Manifest.emptyBytes)
      const image = Manifest.artifact({ artifactType: type, layers: [missing] })
      yield* fails("image", registry.putManifest(repository, image, { tags: ["v1"] }), "NotFound")
      const index = Manifest.index({ manifests: [image.descriptor] })
      yield* fails("index", registry.putManifest(repository, index, { tags: ["v1"] }), "NotFound")
      yield* fails("resolve", registry.resolve(repository, "v1"), "NotFound")
    })
  },
  {
    name: "knows a manifest by its sha512",
    needs: ["sha512-manifests"],
    run: Effect.fnUntraced(function*(registry, repository) {
      yield* registry.putBlob(repository, Manifest.emptyDescriptor, Manifest.emptyBytes)
      const { bytes, mediaType } = Manifest.artifact({ artifactType: type, annotations: { known: "by sha512" } })
      const digest = Digest.ofBytes(bytes, "sha512")
      const put = yield* registry.putManifest(repository, { mediaType, bytes }, { digest })
      yield* equal("digest", put.digest, digest)
      yield* equal("resolved", (yield* registry.getManifest(repository, digest)).descriptor.digest, digest)
    })
  },
  {
    name: "refuses a manifest by another digest",
    run: Effect.fnUntraced(function*(registry, repository) {
      yield* registry.putBlob(repository, Manifest.emptyDescriptor, Manifest.emptyBytes)
      const digest = Digest.ofBytes(bytesOf("something else"))
      const manifest = Manifest.artifact({ artifactType: type })
      yield* fails("put", registry.putManifest(repository, manifest, { digest }), "DigestMismatch")
    })
  },
  {
    name: "deletes a manifest with all of its tags",
    run: Effect.fnUntraced(function*(registry, repository) {
      const deleted = yield* push(registry, repository, "deleted", ["a", "b"])
      const kept = yield* push(registry, repository, "kept", ["c"])
      yield* registry.deleteManifest(repository, deleted.digest)
      for (const reference of ["a", "b", deleted.digest]) {
        yield* fails(reference, registry.resolve(repository, reference), "NotFound")
      }
      yield* equal("other", yield* registry.resolve(repository, "c"), kept)
      yield* fails("second deletion", registry.deleteManifest(repository, deleted.digest), "NotFound")
    })
  },
  {
    name: "deletes one tag and keeps the manifest",
    needs: ["tag-deletion"],
    run: Effect.fnUntraced(function*(registry, repository) {
      const descriptor = yield* push(registry, repository, "tagged", ["a", "b"])
      yield* registry.deleteManifest(repository, "a")
      yield* registry.deleteManifest(repository, "b")
      yield* fails("a", registry.resolve(repository, "a"), "NotFound")
      yield* equal("by digest", yield* registry.resolve(repository, descriptor.digest), descriptor)
      yield* fails("second deletion", registry.deleteManifest(repository, "a"), "NotFound")
    })
  },
  {
    name: "lists tags in ASCII order, page by page",
    run: Effect.fnUntraced(function*(registry, repository) {
      yield* push(registry, repository, "tags", ["v10", "v2", "Z", "a", "_x"])
      const all = ["Z", "_x", "a", "v10", "v2"]
      yield* equal("all", (yield* registry.listTags(repository)).names, all)
      const paged: Array<string> = []
      let last: string | undefined
      do {
        const page = yield* registry.listTags(repository, { limit: 2, last })
        yield* equal("size of the page", page.names.length <= 2, true)
        paged.push(...page.names)
        last = page.next
      } while (last !== undefined && paged.length < 20)
      yield* equal("pages", paged, all)
      yield* equal("after v10", (yield* registry.listTags(repository, { last: "v10" })).names, ["v2"])
      yield* equal("none", (yield* registry.listTags(repository, { limit: 0 })).names, [])
    })
  },
  {
    name: "lists repositories",
    needs: ["catalog"],
    run: Effect.fnUntraced(function*(registry, repository) {
      const names = [`${repository}/a`, `${repository}/a/b`, `${repository}/c`]
      for (const name of names) yield* push(registry, name, name, ["v1"])
      const listed: Array<string> = []
      let last: string | undefined
      do {
        const page = yield* registry.listRepositories({ limit: 2, last })
        listed.push(...page.names)
        last = page.next
      } while (last !== undefined && listed.length < 1000)
      yield* equal("repositories", listed.filter((name) => name.startsWith(`${repository}/`)), names)
    })
  },
  {
    name: "finds the referrers of a manifest, with type and annotations",
    run: Effect.fnUntraced(function*(registry, repository) {
      const subject = yield* push(registry, repository, "subject", ["v1"])
      const other = yield* push(registry, repository, "other")
      yield* equal("none yet", yield* registry.referrers(repository, subject.digest), [])
      const annotations = { "dev.example.note": "kept" }
      const sbom = yield* Artifact.attach(registry, repository, subject, { artifactType: "text/spdx", annotations })
      const signature = yield* Artifact.attach(registry, repository, subject, { artifactType: "text/signature" })
      yield* Artifact.attach(registry, repository, other, { artifactType: "text/spdx" })
      const all = yield* registry.referrers(repository, subject.digest)
      yield* equal("all", digests(all), digests([sbom, signature]))
      const found = yield* registry.referrers(repository, subject.digest, { artifactType: "text/spdx" })
      yield* equal("one type", found, [{ ...sbom, artifactType: "text/spdx", annotations }])
    })
  },
  {
    name: "keeps all referrers that are pushed side by side",
    run: Effect.fnUntraced(function*(registry, repository) {
      const subject = yield* push(registry, repository, "subject")
      const attached = yield* Effect.forEach(
        ["a", "b", "c", "d", "e", "f"],
        (name) => Artifact.attach(registry, repository, subject, { artifactType: type, annotations: { name } }),
        { concurrency: "unbounded" }
      )
      yield* equal("all", digests(yield* registry.referrers(repository, subject.digest)), digests(attached))
    })
  },
  {
    name: "takes a referrer whose subject is not there, and forgets it when it is deleted",
    run: Effect.fnUntraced(function*(registry, repository) {
      const subject = Descriptor.ofBytes(MediaType.imageManifest, bytesOf(`to come in ${repository}`))
      const referrer = yield* Artifact.attach(registry, repository, subject, { artifactType: type })
      yield* equal("found", digests(yield* registry.referrers(repository, subject.digest)), [referrer.digest])
      yield* registry.deleteManifest(repository, referrer.digest)
      yield* equal("forgotten", yield* registry.referrers(repository, subject.digest), [])
    })
  },
  {
    name: "finds an index among the referrers",
    run: Effect.fnUntraced(function*(registry, repository) {
      const subject = yield* push(registry, repository, "subject")
      const leaf = yield* push(registry, repository, "leaf")
      const index = Manifest.index({ manifests: [leaf], subject, artifactType: type })
      yield* registry.putManifest(repository, index)
      yield* equal("found", yield* registry.referrers(repository, subject.digest), [
        { ...index.descriptor, artifactType: type }
      ])
    })
  },
  {
    name: "has no referrers in a repository that does not exist",
    run: Effect.fnUntraced(function*(registry, repository) {
      const digest = Digest.ofBytes(bytesOf("nobody"))
      yield* equal("referrers", yield* registry.referrers(`${repository}-nobody`, digest), [])
    })
  }
]
