/**
 * Scenarios of the catalog's records.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as ModuleCatalog from "../../catalog/ModuleCatalog.ts"
import * as ModuleDeletion from "../../catalog/ModuleDeletion.ts"
import { automation } from "../../events/Actor.ts"
import * as Templates from "../../templates/Templates.ts"
import { type ContractCase, equal } from "../ContractCase.ts"
import {
  asAda,
  contains,
  getModule,
  ingest,
  manifest,
  publish,
  refused,
  register,
  release,
  scenario,
  World
} from "./World.ts"

const identityShape = [
  "schema_version: 1",
  "identity:",
  "  name: my-redis",
  "  category: userland",
  "  variety: subscription",
  "  cosign_identity_regexp: ^https://git\\.example\\.org/.*$",
  "  cosign_issuer_regexp: ^https://git\\.example\\.org/api/actions$",
  "file_spec:",
  "  include: [/etc/redis/**]",
  ""
].join("\n")

/**
 * The scenarios.
 *
 * @category scenarios
 * @since 0.1.0
 */
export const cases: ReadonlyArray<ContractCase> = [
  scenario(
    "an operator who registers a module takes over whom the manifest trusts",
    Effect.gen(function*() {
      const module = yield* ModuleCatalog.registerModule({ ...(yield* asAda), manifestText: identityShape })
      yield* equal("signers", module.trustPolicy.signers, [{
        kind: "keyless",
        issuer: { pattern: "^https://git\\.example\\.org/api/actions$" },
        identity: { pattern: "^https://git\\.example\\.org/.*$" }
      }])
      yield* refused(
        "automation",
        ModuleCatalog.registerModule({
          ...(yield* asAda),
          actor: automation("importer"),
          manifestText: manifest("other")
        }),
        "OperatorNeeded"
      )
    })
  ),

  scenario(
    "a manifest with errors registers nothing, and every error is named with its place",
    Effect.gen(function*() {
      const { accountId } = yield* World
      const error = yield* refused(
        "registering",
        ModuleCatalog.registerModule({
          ...(yield* asAda),
          manifestText: "schema_version: 1\nname: My Redis\nfoo: 1\n"
        }),
        "ManifestError"
      )
      yield* contains("the message", error.message, "2:7")
      yield* contains("the message", error.message, "3:1")
      yield* equal("modules", (yield* ModuleCatalog.listModules({ accountId })).length, 0)
    })
  ),

  scenario(
    "names and forge repositories are taken once",
    Effect.gen(function*() {
      const options = yield* asAda
      yield* register("my-redis")
      yield* refused(
        "the name",
        ModuleCatalog.registerModule({ ...options, manifestText: manifest("my-redis") }),
        "NameTaken"
      )
      yield* refused(
        "the forge repository",
        ModuleCatalog.registerModule({
          ...options,
          manifestText: manifest("other"),
          forgeRepository: "modules/my-redis"
        }),
        "NameTaken"
      )
      yield* refused(
        "an unknown category",
        ModuleCatalog.registerModule({ ...options, manifestText: manifest("third", { category: "nowhere" }) }),
        "NotFound"
      )
    })
  ),

  scenario(
    "what an operator changes has to make sense",
    Effect.gen(function*() {
      const module = yield* register("my-redis")
      const options = yield* asAda
      const change = (changes: ModuleCatalog.ModuleChanges) =>
        ModuleCatalog.updateModule({ ...options, moduleId: module.id, changes })
      const identity = { pattern: "(" }
      const issuer = { exact: "https://git.example.org" }
      yield* refused(
        "a pattern that is none",
        change({ trustPolicy: { signers: [{ kind: "keyless", issuer, identity }] } }),
        "InvalidInput"
      )
      yield* refused("a priority of another category", change({ priority: 1000 }), "InvalidInput")
      yield* refused(
        "a pattern that leaves the root",
        change({ specs: { ...module.specs, mask: ["/etc/../var"] } }),
        "InvalidInput"
      )
      const requires = [{ name: "system-base", version: "newest", optional: false }]
      yield* refused(
        "a range that is none",
        change({ dependencies: { ...module.dependencies, requires } }),
        "InvalidInput"
      )
      yield* equal("the record", yield* getModule(module.id), module)
      yield* equal("disabled", (yield* change({ enabled: false })).enabled, false)
    })
  ),

  scenario(
    "a re-import reports what differs, changes nothing unless told to, and never whom to trust",
    Effect.gen(function*() {
      const module = yield* register("my-redis")
      const options = { ...(yield* asAda), moduleId: module.id, manifestText: identityShape }
      const reported = yield* ModuleCatalog.reimportManifest(options)
      yield* equal("fields", reported.differences.map(({ field }) => field), ["fileSpec"])
      yield* equal("reseeded", reported.reseeded, false)
      yield* equal("the record", yield* getModule(module.id), module)
      const reseeded = yield* ModuleCatalog.reimportManifest({ ...options, reseed: true })
      yield* equal("the file spec", reseeded.module.specs.fileSpec, ["/etc/redis/**"])
      yield* equal("whom to trust", reseeded.module.trustPolicy, module.trustPolicy)
      yield* refused(
        "another module's manifest",
        ModuleCatalog.reimportManifest({ ...options, manifestText: manifest("other") }),
        "OtherModule"
      )
    })
  ),

  scenario(
    "a manifest with another parent differs, and gives the module that parent when told to",
    Effect.gen(function*() {
      const module = yield* register("redis-config")
      const parent = yield* register("my-redis")
      const manifestText = `${manifest("redis-config")}variety: config\nparent_module: my-redis\n`
      const options = { ...(yield* asAda), moduleId: module.id, manifestText }
      const reported = yield* ModuleCatalog.reimportManifest(options)
      yield* equal("fields", reported.differences.map(({ field }) => field), ["variety", "parentModule"])
      const reseeded = yield* ModuleCatalog.reimportManifest({ ...options, reseed: true })
      yield* equal("the parent", reseeded.module.parentModuleId, parent.id)
      const itself = manifestText.replace("my-redis", "redis-config")
      const reseed = { ...options, reseed: true }
      const own = ModuleCatalog.reimportManifest({ ...reseed, manifestText: itself })
      yield* refused("a module that is its own parent", own, "InvalidInput")
      const bot = ModuleCatalog.reimportManifest({ ...reseed, actor: automation("sync") })
      yield* refused("automation that reseeds", bot, "OperatorNeeded")
      yield* equal("what differs then", (yield* ModuleCatalog.reimportManifest(options)).differences, [])
    })
  ),

  scenario(
    "what no storage takes is an input to be mended, by its place",
    Effect.gen(function*() {
      const options = yield* asAda
      const strange = Templates.createTemplate({ ...options, name: "ed\u0000ge" })
      const error = yield* refused("U+0000 in a name", strange, "InvalidInput")
      yield* contains("the message", error.message, "template: ")
      yield* contains("the message", error.message, "at /name")
      const key = Templates.createTemplate({ ...options, name: "edge", idempotencyKey: "k".repeat(5000) })
      yield* refused("an endless idempotency key", key, "InvalidInput")
      const actor = { kind: "person", id: "" } as const
      yield* refused("nobody", Templates.createTemplate({ ...options, name: "edge", actor }), "InvalidInput")
      yield* equal("templates", yield* Templates.listTemplates(options), [])
    })
  ),

  scenario(
    "an artifact built from another manifest is taken in with what differs, and the record rules",
    Effect.gen(function*() {
      const module = yield* register("my-redis")
      yield* publish(module, "0.1.0", { manifestText: identityShape })
      const { differences } = yield* ingest(module, "v0.1.0")
      yield* equal("fields", differences.map(({ field }) => field), ["fileSpec"])
      yield* equal("the record", (yield* getModule(module.id)).specs, module.specs)
    })
  ),

  scenario(
    "a module that is needed is deleted only by force, which says what broke",
    Effect.gen(function*() {
      const { accountId } = yield* World
      const options = yield* asAda
      const base = yield* register("system-base", { category: "system-base" })
      yield* register("my-redis", { requires: ["system-base"] })
      yield* release(base, "1.0.0", "staging")
      const template = yield* Templates.createTemplate({ ...options, name: "edge" })
      yield* Templates.assignModule({ ...options, templateId: template.id, moduleId: base.id })
      const deletion = { ...options, moduleId: base.id }
      const error = yield* refused("deleting", ModuleDeletion.deleteModule(deletion), "StillNeeded")
      yield* contains("the message", error.message, "template edge, module my-redis")
      const { broke, versions } = yield* ModuleDeletion.deleteModule({ ...deletion, force: true })
      yield* equal("broken", broke, ["template edge", "module my-redis, which requires it"])
      yield* equal("versions", versions, 1)
      yield* equal("assignments", yield* Templates.listAssignments({ accountId, templateId: template.id }), [])
      yield* refused("reading it", ModuleCatalog.getModule({ accountId, moduleName: "system-base" }), "NotFound")
      const parent = yield* register("system-base", { category: "system-base" })
      yield* ModuleDeletion.deleteModule({
        ...options,
        moduleId: (yield* ModuleCatalog.getModule({ accountId, moduleName: "my-redis" })).id
      })
      const childManifest = `${manifest("base-config")}variety: config\nparent_module: system-base\n`
      yield* ModuleCatalog.registerModule({ ...options, manifestText: childManifest })
      const childless = ModuleDeletion.deleteModule({ ...options, moduleId: parent.id })
      const orphan = yield* refused("deleting a parent", childless, "StillNeeded")
      yield* contains("the message", orphan.message, "module base-config, which is its child")
    })
  )
]
