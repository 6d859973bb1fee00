// The document as an author writes it, as zod schemas. The message of every format check is the code of its issue, so
// that `SchemaIssues` needs no table of places. Descriptions, examples and defaults are what an editor shows and what
// docs/manifest.md lists.
import * as z from "zod"
import { namePattern } from "../ModuleManifest.ts"
import { maximumKeys, maximumNested } from "./YamlValues.ts"

const maximumEntries = 1000
// Each entry is parsed as a range of versions, which costs more than a pattern does.
const maximumRequirements = 256

const text = (maximum: number) => z.string().max(maximum)
const format = (pattern: RegExp) => z.string().regex(pattern, "invalid_format")
const list = <Item extends z.ZodType>(item: Item, maximum = maximumEntries) => z.array(item).max(maximum)
const seconds = (minimum: number) => z.int().min(minimum).max(86_400)

const about = (description: string, ...examples: ReadonlyArray<unknown>) => ({
  description,
  ...(examples.length === 0 ? {} : { examples: [...examples] })
})

const name = z.string().regex(namePattern, "invalid_name")

const patterns = (description: string, example: ReadonlyArray<string>) =>
  list(z.string()).meta(about(`${description} Absolute patterns with * ? [..] ** {a,b}.`, example))

const fileSpecList = patterns("What the module ships.", ["/etc/redis/**"])

const fileSpecMap = z.strictObject({
  include: patterns("What the module ships.", ["/etc/redis/**"]).optional(),
  exclude: patterns("What it must not ship.", ["/etc/redis/sentinel.conf"]).optional(),
  mask: patterns("What it must not ship; in a child also what it carves out of its parent's claims.", [
    "/etc/nginx/conf.d/shop.conf"
  ]).optional()
}).meta(about("Which files the module ships."))

const inheritedPatterns = patterns("The window inside which config and instance children ship.", [
  "/etc/nginx/conf.d/**"
])

const moduleDependency = z.strictObject({
  name: z.string().meta(about("A module's name, or owner/name at the forge.", "system-base")),
  version: z.string().optional().meta(about("A range of semantic versions; any version without it.", "^1.0")),
  optional: z.boolean().default(false).meta(about("Whether the module is only wished for."))
}).meta(about("A module that this one needs."))

const moduleDependencies = list(moduleDependency, maximumRequirements)
  .meta(about("The modules that this one needs.", [{ name: "system-base", version: "^1.0" }]))

const requirements = (description: string, example: string) =>
  list(z.string(), maximumRequirements).optional().meta(
    about(`${description} name, name@range or owner/name@range.`, [example])
  )

const dependencies = z.strictObject({
  requires: requirements("The modules that this one needs.", "powernode/system-base@^1.0"),
  recommends: requirements("Modules that are wished for.", "node-exporter"),
  conflicts: requirements("Modules that must not be in the same composition.", "valkey"),
  provides: list(z.string(), maximumRequirements).optional().meta(
    about("Capability tags; one module of a composition may provide each.", ["redis.server"])
  )
}).meta(about("Other modules, and what this one offers them."))

const port = z.strictObject({
  port: z.int().min(1).max(65_535).meta(about("The number.", 6379)),
  protocol: z.enum(["tcp", "udp", "sctp"]).meta(about("The protocol.", "tcp")),
  name: text(64).optional().meta(about("What the port is for.", "redis"))
}).meta(about("A port that the service listens on."))

const health = z.strictObject({
  endpoint: text(2048).optional().meta(about("What is asked: a URL, a path or host:port.", "http://localhost:8080/up")),
  method: z.enum(["GET", "POST", "PUT", "TCP"]).default("GET").meta(
    about("How it is asked; TCP only opens a connection.", "TCP")
  ),
  interval_seconds: seconds(1).default(30).meta(about("Seconds from one check to the next.", 15)),
  timeout_seconds: seconds(1).default(5).meta(about("Seconds after which a check has failed.", 3)),
  initial_delay_seconds: seconds(0).default(10).meta(about("Seconds before the first check.", 20))
}).meta(about("How the service is asked whether it is well."))

const serviceDependency = z.strictObject({
  service: z.string().meta(about("Another service of the module.", "db")),
  kind: z.enum(["start_before", "requires_health", "softdep"]).default("requires_health").meta(
    about("What is waited for: its start, its health, or nothing.", "start_before")
  )
}).meta(about("A service that this one waits for."))

const capabilities = list(z.string()).optional().meta(
  about("Capabilities of Linux (capabilities(7)).", ["CAP_NET_BIND_SERVICE"])
)

const service = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, "invalid_name").meta(
    about("Unique in the module; lower-case letters, digits and hyphens.", "redis")
  ),
  start_command: text(4096).optional().meta(about("What starts it.", "/usr/bin/redis-server /etc/redis/redis.conf")),
  stop_command: text(4096).optional().meta(about("What stops it; a signal without it.", "/usr/bin/redis-cli shutdown")),
  restart_policy: z.enum(["never", "on-failure", "always"]).default("always").meta(
    about("When it is started again after it ended.", "on-failure")
  ),
  user: text(64).optional().meta(about("Whom it runs as.", "redis")),
  working_directory: text(4096).optional().meta(about("Where it runs.", "/var/lib/redis")),
  env: z.record(
    z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "invalid_format"),
    z.union([z.string(), z.number(), z.boolean(), z.null()])
  ).optional().meta({
    ...about("Environment variables; quote values that look like numbers.", { LANG: "C.UTF-8" }),
    maxProperties: maximumKeys
  }),
  exposed_ports: list(port, maximumNested).optional().meta(
    about("The ports that it listens on.", [{ port: 6379, protocol: "tcp" }])
  ),
  capabilities,
  health: health.optional(),
  dependencies: list(serviceDependency, maximumNested).optional().meta(
    about("Services that it waits for.", [{ service: "db" }])
  ),
  metadata: z.record(z.string(), z.unknown()).optional().meta({
    ...about("Whatever else is known of it.", { tier: "cache" }),
    maxProperties: maximumKeys
  })
}).meta(about("A long-running program."))

const profile = (kind: string, example: string) =>
  text(4096).nullable().optional().meta(about(`The ${kind} profile: a path inside the module.`, example))

const security = z.strictObject({
  capabilities,
  selinux_profile: profile("SELinux", "/etc/selinux/redis.cil"),
  apparmor_profile: profile("AppArmor", "/etc/apparmor.d/redis"),
  seccomp_profile: profile("seccomp", "/etc/seccomp/redis.json"),
  egress_allow: list(z.string()).optional().meta(
    about("host or host:port of what may be connected to; everything else is denied.", ["registry.example.com:443"])
  ),
  privileged: z.boolean().default(false).meta(about("Whether nothing confines the module's programs.")),
  user_namespace: z.boolean().default(false).meta(about("Whether they run in a user namespace of their own."))
}).meta(about("What the module's programs may do."))

const build = z.strictObject({
  ubuntu_digest: format(/^sha256:[0-9a-f]{64}$/).nullable().optional().meta(
    about("The digest of the base image.", `sha256:${"0123456789abcdef".repeat(4)}`)
  ),
  apt_snapshot: format(/^[0-9]{8}T[0-9]{6}Z$/).nullable().optional().meta(
    about("The moment of the package archive that packages come from.", "20260415T000000Z")
  ),
  firmware_repo: text(2048).nullable().optional().meta(
    about("Where firmware comes from.", "https://github.com/raspberrypi/firmware")
  ),
  firmware_ref: text(256).nullable().optional().meta(about("The tag or commit of the firmware.", "1.20240306")),
  k3s_version: text(256).nullable().optional().meta(about("The version of k3s.", "v1.30.2+k3s1"))
}).meta(about("What the build is pinned to."))

const command = (what: string, example: string) =>
  text(4096).optional().meta(about(`What ${what} the module.`, example))

const init = z.strictObject({
  start: command("starts", "systemctl start redis"),
  stop: command("stops", "systemctl stop redis"),
  restart: command("restarts", "systemctl restart redis")
}).meta(about("Shell commands of older agents; `services` is what is run."))

const common = {
  schema_version: z.literal(1).meta(about("The version of this format.", 1)),
  display_name: text(200).optional().meta(about("The name for people.", "Redis")),
  license: text(1000).optional().meta(about("An SPDX licence expression.", "Apache-2.0 OR MIT")),
  mask: patterns("What the module must not ship.", ["/var/log/**"]).optional(),
  protected_spec: patterns("What it claims: no other module may ship that.", ["/etc/redis/redis.conf"]).optional(),
  package_spec: list(z.string()).optional().meta(about("Debian packages for the build.", ["redis-server"])),
  dependencies: dependencies.optional(),
  init: init.optional(),
  services: list(service, 200).optional().meta(
    about("Long-running programs.", [{ name: "redis", start_command: "/usr/bin/redis-server" }])
  ),
  reboot_required: z.boolean().default(false).meta(about("Whether the module comes and goes only with a reboot.")),
  security: security.optional(),
  skills: list(z.unknown()).optional().meta(about("What agents may do with the module, in words of their own.", [
    "redis-flush"
  ])),
  build: build.optional()
}

const identityFields = {
  name: name.meta(about("The module's name, unique in the account.", "my-redis")),
  description: text(10_000).optional().meta(about("What the module is, in a sentence or two.", "A small Redis")),
  category: name.optional().meta(about("The category, which decides on the layer.", "userland")),
  variety: z.enum(["subscription", "config", "instance"]).default("subscription").meta(
    about("subscription: a module of its own; config and instance: a child that adjusts its parent.", "config")
  ),
  parent_module: name.optional().meta(about("The module that a config or instance module adjusts.", "nginx"))
}

const trustedRegexp = (what: string, example: string) =>
  text(1024).optional().meta(about(`RE2: ${what} of a signer whom the registering operator may trust.`, example))

const identity = z.strictObject({
  ...identityFields,
  cosign_identity_regexp: trustedRegexp("the identity", "^https://git\\.example\\.com/acme/my-redis/.*$"),
  cosign_issuer_regexp: trustedRegexp("the issuer", "^https://git\\.example\\.com$")
}).meta(about("What the module is."))

const fileSpec = z.union([fileSpecList, fileSpecMap]).optional().meta(
  about("Which files the module ships: a list of patterns, or a map of include, exclude and mask.", ["/etc/redis/**"])
)
const dependencySpec = z.union([inheritedPatterns, moduleDependencies]).optional().meta(
  about("Patterns: the window of config and instance children. Maps with a name: the modules that this one needs.", [
    "/etc/nginx/conf.d/**"
  ])
)

const flat = z.strictObject({ ...common, ...identityFields, file_spec: fileSpec, dependency_spec: dependencySpec })
  .meta({
    title: "Flat manifest",
    description: "The name and its like stand at the top."
  })
const wrapped = z.strictObject({ ...common, identity, file_spec: fileSpec, dependency_spec: dependencySpec }).meta({
  title: "Manifest with identity",
  description: "The name and its like stand under `identity`."
})

/** The flat shape, and the shape in which the name and its like stand under `identity`. */
export const anyDocument = z.union([flat, wrapped])

export type Document = z.infer<typeof flat> | z.infer<typeof wrapped>

const isMap = (value: unknown): value is { readonly [key: string]: unknown } =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const valueOf = (data: unknown, key: string): unknown => isMap(data) && Object.hasOwn(data, key) ? data[key] : undefined

type Variant = "flat" | "wrapped"
type FileSpecForm = "list" | "map"
type DependencySpecForm = "patterns" | "modules"

const fileSpecs = { list: fileSpecList, map: fileSpecMap }
const dependencySpecs = { patterns: inheritedPatterns, modules: moduleDependencies }
const shapes = { flat, wrapped }

const made = new Map<string, z.ZodType<Document>>()

/** Made when first needed and kept, since zod compiles a schema at its first use. */
const schemaOf = (shape: Variant, files: FileSpecForm, dependencies: DependencySpecForm): z.ZodType<Document> => {
  const key = `${shape} ${files} ${dependencies}`
  const known = made.get(key)
  if (known !== undefined) return known
  const schema = shapes[shape].extend({
    file_spec: fileSpecs[files].optional(),
    dependency_spec: dependencySpecs[dependencies].optional()
  })
  made.set(key, schema)
  return schema
}

/**
 * The one schema that the document is meant to follow, so that an issue speaks of what the author wrote and not of the
 * other shape: `identity` tells the shapes apart, and what stands in `file_spec` and `dependency_spec` the two forms of
 * those.
 */
export const schemaFor = (data: unknown): z.ZodType<Document> => {
  const dependencySpec = valueOf(data, "dependency_spec")
  const first: unknown = Array.isArray(dependencySpec) ? dependencySpec[0] : undefined
  return schemaOf(
    valueOf(data, "identity") === undefined ? "flat" : "wrapped",
    isMap(valueOf(data, "file_spec")) ? "map" : "list",
    isMap(first) ? "modules" : "patterns"
  )
}

/** The keys that a map at the path may have; none where anything goes. */
export const keysAt = (schema: z.ZodType, path: ReadonlyArray<PropertyKey>): ReadonlyArray<string> => {
  let current: unknown = schema
  const inner = (of: unknown): unknown =>
    of instanceof z.ZodOptional || of instanceof z.ZodNullable || of instanceof z.ZodDefault ? inner(of.unwrap()) : of
  for (const part of path) {
    const at = inner(current)
    current = at instanceof z.ZodObject
      ? at.shape[String(part)]
      : at instanceof z.ZodArray
      ? at.element
      : at instanceof z.ZodRecord
      ? at.valueType
      : undefined
  }
  const at = inner(current)
  return at instanceof z.ZodObject ? Object.keys(at.shape) : []
}
