import { FsVerity, Image, Layer, MountPlan, ObjectStore } from "@lamina/composefs"
import { DesiredState, Fleet, type Template } from "@lamina/core"
import { Blob, Digest, HttpRegistry, Manifest, type Registry } from "@lamina/oci"
import { ModuleConfig } from "@lamina/platform"
import { TrustPolicy, TrustRoot, Verifier } from "@lamina/signing"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { mkdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import type { World } from "../World.ts"
import * as Mount from "./Mount.ts"

/** The machine: who it is, and how it reaches platform and registry. It believes nothing but its trusted root. */
export interface Machine {
  readonly instanceId: string
  readonly token: Redacted.Redacted<string>
  readonly platformUrl: string
  readonly registry: Registry.Registry
  readonly trustRoot: TrustRoot.TrustRoot
  readonly directory: string
  readonly bootId: string
  readonly bootedAt: number
}

/** A module that is on the machine. */
interface Installed {
  readonly name: string
  readonly composefsDigest: string
  readonly image: string
  readonly objects: number
  readonly signer: string
}

/**
 * Something on the machine is not what it has to be; nothing of it is used.
 *
 * @public the declaration of `report` names it
 */
export class AgentRefusal extends Schema.TaggedError<AgentRefusal>("example/AgentRefusal")("AgentRefusal", {
  module: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `${this.module}: ${this.detail}`
  }
}

/** Makes an instance that follows the template, and the machine that is it. */
export const createMachine = Effect.fnUntraced(function*(world: World, template: Template.Template) {
  const [architecture = "amd64"] = world.options.architectures
  const { instance, token } = yield* Fleet.createInstance({
    ...world.asAda,
    name: `${template.name}-1`,
    templateId: template.id,
    architecture
  })
  const directory = join(world.state.directory, "m", instance.id.slice(-8))
  yield* Effect.promise(() => mkdir(join(directory, "images"), { recursive: true }))
  return {
    instanceId: instance.id,
    token,
    platformUrl: world.platformUrl,
    registry: yield* HttpRegistry.make({ url: world.registryUrl }),
    trustRoot: yield* Effect.fromResult(
      TrustRoot.fromJson(world.signing.trustedRoot, "the machine's trusted_root.json")
    ),
    directory,
    bootId: crypto.randomUUID(),
    bootedAt: Date.now()
  } satisfies Machine
})

/** Fetches the desired state, pulls by digest, verifies, stores, mounts where it can, reads a file and reports. */
export const run = (world: World, machine: Machine, fileToRead: string | undefined) =>
  world.report.step("agent", (progress) =>
    Effect.gen(function*() {
      const desired = yield* fetchDesiredState(machine)
      const objects = yield* ObjectStore.open({ directory: join(machine.directory, "objects"), durability: "end" })
      const installed: Array<Installed> = []
      for (const module of desired.modules) {
        installed.push(yield* install(machine, module, objects))
        progress(installed.length, desired.modules.length)
      }
      yield* objects.flush
      const plan = yield* Effect.fromResult(MountPlan.make({
        images: installed.map(({ image }) => image),
        objects: objects.directory,
        target: join(machine.directory, "root"),
        workDirectory: join(machine.directory, "w"),
        // A machine's own disk has fs-verity; the temporary folder in which this example mounts rarely has.
        verity: Mount.whyNot(fileToRead) === undefined ? "off" : "require"
      }))
      const seen = yield* Mount.readThrough(plan, join(machine.directory, "root"), fileToRead)
      yield* report(machine, desired, 1, digestsOf(installed))
      return { desired, installed, report: describe(installed, plan, seen) }
    }).pipe(Effect.scoped))

const describe = (
  installed: ReadonlyArray<Installed>,
  plan: MountPlan.MountPlan,
  seen: Mount.Seen
) => ({
  fields: {
    installed: installed.map(({ composefsDigest, name, objects, signer }) => ({
      module: name,
      composefs_digest: composefsDigest,
      objects,
      signer
    })),
    mounted: seen.kind === "read",
    read: seen.kind === "read" ? { path: seen.path, bytes: seen.content.length } : null,
    mount_plan: plan.mount
  },
  lines: [
    ...installed.map(({ name, objects, signer }) =>
      `${name}: signature (${signer}), digests and root hash verified; ${objects} new ${
        objects === 1 ? "object" : "objects"
      }`
    ),
    ...(seen.kind === "read"
      ? [
        `mounted (erofs, overlay; verity=require is for a disk with fs-verity); ${seen.path} through the mount:`,
        ...excerpt(seen.content)
      ]
      : [`not mounted (${seen.why}); the plan:`, ...MountPlan.toShell(plan.mount).trimEnd().split("\n")])
  ]
})

const excerpt = (content: string): ReadonlyArray<string> => {
  if (content.includes("\u0000")) return ["  | not text"]
  const lines = content.split("\n").filter((line) => line !== "" && !line.startsWith("#"))
  return [...lines.slice(0, 4), ...(lines.length > 4 ? [`… ${lines.length - 4} more lines`] : [])].map((line) =>
    `  | ${line}`
  )
}

const Answer = Schema.fromJsonString(Schema.Struct({ success: Schema.Literal(true), data: Schema.Unknown }))

const call = Effect.fnUntraced(function*(machine: Machine, method: "GET" | "POST", path: string, body?: unknown) {
  const response = yield* Effect.tryPromise(() =>
    fetch(`${machine.platformUrl}/api/v1/system/node_api/${path}`, {
      method,
      headers: { authorization: `Bearer ${Redacted.value(machine.token)}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) })
    })
  )
  const text = yield* Effect.tryPromise(() => response.text())
  if (!response.ok) return yield* new AgentRefusal({ module: "platform", detail: `HTTP ${response.status} ${text}` })
  return (yield* Schema.decodeEffect(Answer)(text)).data
})

const toCamelCase = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(toCamelCase)
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [
      key.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
      toCamelCase(member)
    ])
  )
}

const fetchDesiredState = Effect.fnUntraced(function*(machine: Machine) {
  return yield* Schema.decodeUnknownEffect(DesiredState.DesiredState)(
    toCamelCase(yield* call(machine, "GET", "desired_state"))
  )
})

/** Reports what runs, over HTTP. */
export const report = (
  machine: Machine,
  desired: DesiredState.DesiredState,
  sequence: number,
  running: Readonly<Record<string, string>>
) =>
  call(machine, "POST", "status/heartbeat", {
    boot_id: machine.bootId,
    booted_at: machine.bootedAt,
    sequence,
    running_module_digests: running,
    verification_failures: [],
    observed_plan_hash: desired.planHash
  })

/** What a machine reports as running: module name to composefs digest. */
export const digestsOf = (installed: ReadonlyArray<Installed>): Readonly<Record<string, string>> =>
  Object.fromEntries(installed.map(({ composefsDigest, name }) => [name, composefsDigest]))

// Signature first, then the image by its digest, then its root hash, then the objects it needs, each by its own.
const install = Effect.fnUntraced(function*(
  { directory, registry, trustRoot }: Machine,
  module: DesiredState.DesiredModule,
  objects: ObjectStore.ObjectStore
) {
  const refuse = (detail: string) => new AgentRefusal({ module: module.name, detail })
  const repository = module.ociRepository
  if (repository === undefined) return yield* refuse("no repository to pull it from")
  const digest = yield* Effect.fromResult(Digest.parse(module.manifestDigest))
  const policy = yield* Effect.fromResult(TrustPolicy.decode(module.trustPolicy))
  const { evidence: [evidence] } = yield* Verifier.verifyImage({ registry, repository, digest, policy, trustRoot })

  const raw = yield* registry.getManifest(repository, digest)
  const manifest = yield* Effect.fromResult(Manifest.parse(raw.bytes, raw.descriptor.mediaType))
  const [imageLayer, fileLayer] = manifest._tag === "Image" ? manifest.document.layers : []
  if (imageLayer?.mediaType !== ModuleConfig.composefsMediaType || fileLayer === undefined) {
    return yield* refuse(`${module.manifestDigest} is not a module`)
  }
  const bytes = yield* Blob.getBytes(registry, repository, imageLayer, { limit: 256 * 1024 * 1024 })
  const rootHash = FsVerity.format(FsVerity.digest(bytes))
  if (rootHash !== module.fsverityRootHash) {
    return yield* refuse(`expected fsverity_root_hash ${module.fsverityRootHash}, got ${rootHash}`)
  }
  const { tree } = yield* Effect.fromResult(Image.read(bytes))
  const missing = yield* objects.missing(tree)
  if (missing.length > 0) yield* fetchObjects(registry, repository, fileLayer, objects)
  const stillMissing = yield* objects.missing(tree)
  if (stillMissing.length > 0) return yield* refuse(`${stillMissing.length} objects are not in its file layer`)

  const image = join(directory, "images", `${module.composefsDigest.slice(7, 19)}.cfs`)
  yield* Effect.promise(() => writeFile(image, bytes))
  return {
    name: module.name,
    composefsDigest: Digest.ofBytes(bytes),
    image,
    objects: missing.length,
    signer: evidence.signer.kind === "keyless" ? evidence.signer.identity : `key ${evidence.signer.keyId.slice(0, 19)}`
  } satisfies Installed
})

const fetchObjects = Effect.fnUntraced(
  function*(
    registry: Registry.Registry,
    repository: string,
    layer: Blob.Expected & { readonly size: number },
    objects: ObjectStore.ObjectStore
  ) {
    const blob = yield* registry.getBlob(repository, layer.digest, { size: layer.size })
    yield* Layer.read(blob.stream, { contents: objects })
  },
  Effect.scoped
)

/** The file to read through the mount: redis.conf, or the first file of the module. */
export const fileToRead = (
  files: ReadonlyArray<{ readonly path: string; readonly kind: string; readonly size: number }>
) =>
  files.find(({ path }) => path === "/etc/redis/redis.conf")?.path ??
    files.find(({ kind, size }) => kind === "file" && size > 0)?.path
