import { WebhookSigner } from "@lamina/gitea"
import { ModulePublisher } from "@lamina/platform"
import type { Signer } from "@lamina/signing"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { World } from "../World.ts"
import type { Built } from "./Repository.ts"

/** Where a module is published: `acme/my-redis`, at the forge and in the registry. */
export const repositoryOf = ({ options }: World, moduleName: string): string => `${options.namespace}/${moduleName}`

/** Pushes blobs, manifests and the index, and attaches the bill of materials. */
export const push = (world: World, module: Built) =>
  world.report.step("push", (progress) =>
    Effect.map(pushQuietly(world, module, progress), (published) => ({
      published,
      report: {
        fields: {
          repository: published.repository,
          tag: module.versionString,
          index_digest: published.index.digest,
          manifests: published.manifests.map(({ architecture, descriptor }) => ({
            architecture,
            manifest_digest: descriptor.digest
          })),
          sbom: published.sbom.digest
        },
        lines: [
          `${world.registryUrl}/${published.repository}:${module.versionString}`,
          `index  ${published.index.digest}`,
          ...published.manifests.map(({ architecture, descriptor }) => `${architecture}  ${descriptor.digest}`),
          `SBOM   ${published.sbom.digest} (CycloneDX, a referrer of the index)`
        ]
      }
    })))

const pushQuietly = (world: World, module: Built, onProgress?: (done: number, total: number) => void) =>
  ModulePublisher.push(module, {
    registry: world.registry,
    repository: repositoryOf(world, module.name),
    ...(onProgress === undefined ? {} : { onProgress })
  })

/** Signs index and manifests as the repository's workflow, or with the key. */
export const sign = (world: World, module: Built, published: ModulePublisher.PublishedModule) =>
  world.report.step("sign", (progress) =>
    Effect.map(
      ModulePublisher.sign(module, published, {
        registry: world.registry,
        signer: world.signing.signerOf(published.repository, module.versionString),
        form: formOf(world),
        onProgress: progress
      }),
      ({ sbomAttestation, signatures }) => ({
        report: {
          fields: {
            signatures: signatures.map(({ stored, subject }) => ({
              subject: subject.digest,
              bundle: stored.bundle?.digest ?? null,
              tag: stored.simpleSigning === undefined ? null : `${subject.digest.replace(":", "-")}.sig`
            })),
            sbom_attestation: sbomAttestation.digest
          },
          lines: [
            ...signatures.map(({ stored, subject }) =>
              `${subject.digest.slice(0, 19)}…  ${
                [
                  stored.bundle === undefined ? [] : ["bundle in a referrer, as cosign v3 looks for"],
                  stored.simpleSigning === undefined ? [] : ["tag sha256-….sig, the older form"]
                ].flat().join("; ")
              }`
            ),
            "the SBOM is attested to the index by the same signer"
          ]
        }
      })
    ))

const formOf = ({ options }: World) => options.legacy ? "both" : "bundle"

/** Builds on what `push` and `sign` do, without a word: for dependencies and refusals. */
export const publishQuietly = Effect.fnUntraced(function*(
  world: World,
  module: Built,
  signer: Signer.Signer = world.signing.signerOf(repositoryOf(world, module.name), module.versionString)
) {
  const published = yield* pushQuietly(world, module)
  yield* ModulePublisher.sign(module, published, { registry: world.registry, signer, form: formOf(world) })
  return published
})

const Answer = Schema.fromJsonString(Schema.Struct({ id: Schema.optionalKey(Schema.String) }))

/** What CI sends when a build is done, signed with HMAC in both forms. */
export const callback = Effect.fnUntraced(function*(
  { endpoint }: Pick<World, "endpoint">,
  repository: string,
  version: string,
  options: { readonly id?: string; readonly sentAt?: number } = {}
) {
  const body = new TextEncoder().encode(JSON.stringify({
    repository: { full_name: repository },
    ref: `refs/tags/${version}`,
    artifact: `${repository}:${version}`
  }))
  const now = yield* Clock.currentTimeMillis
  return {
    body,
    headers: {
      "content-type": "application/json",
      ...WebhookSigner.moduleCallback({ key: endpoint.key, body }),
      ...WebhookSigner.standardWebhooks({
        key: endpoint.key,
        id: options.id ?? `msg_${crypto.randomUUID()}`,
        timestampSeconds: Math.floor((options.sentAt ?? now) / 1000),
        body
      })
    }
  }
})

/** Sends a callback over HTTP. */
export const send = Effect.fnUntraced(function*(
  { endpoint, platformUrl }: World,
  { body, headers }: { readonly body: Uint8Array<ArrayBuffer>; readonly headers: Readonly<Record<string, string>> }
) {
  const url = `${platformUrl}/api/v1/system/webhooks/gitea/module/${endpoint.id}`
  const response = yield* Effect.tryPromise(() => fetch(url, { method: "POST", headers, body }))
  const text = yield* Effect.tryPromise(() => response.text())
  const answer = yield* Schema.decodeEffect(Answer)(text)
  return { status: response.status, deliveryId: answer.id, text }
})

/** Calls the webhook as CI does, and shows the answer. */
export const callWebhook = (world: World, module: Built) =>
  world.report.step("webhook", () =>
    Effect.gen(function*() {
      const request = yield* callback(world, repositoryOf(world, module.name), module.versionString)
      const answer = yield* send(world, request)
      return {
        ...answer,
        report: {
          fields: { status: answer.status, delivery: answer.deliveryId ?? null },
          lines: [
            "POST /api/v1/system/webhooks/gitea/module/…, HMAC-SHA256 and Standard Webhooks",
            `answered ${answer.status} once it was in the inbox: delivery ${answer.deliveryId}`
          ]
        }
      }
    }))
