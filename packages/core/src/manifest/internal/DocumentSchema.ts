// The document as an author writes it, as zod schemas. The message of every format check is the code of its issue, so
// that `SchemaIssues` needs no table of places.
import * as z from "zod"
import { namePattern } from "../ModuleManifest.ts"

const maximumEntries = 5000

const name = z.string().regex(namePattern, "invalid_name")
const text = (maximum: number) => z.string().max(maximum)
const format = (pattern: RegExp) => z.string().regex(pattern, "invalid_format")
const list = <Item extends z.ZodType>(item: Item) => z.array(item).max(maximumEntries)
const seconds = (minimum: number) => z.int().min(minimum).max(86_400)

const patterns = (what: string) => list(z.string()).describe(`${what} Absolute patterns with * ? [..] ** {a,b}.`)

const fileSpecList = patterns("What the module ships.")

const fileSpecMap = z.strictObject({
  include: patterns("What the module ships.").optional(),
  exclude: patterns("What it must not ship.").optional(),
  mask: patterns("What it must not ship; in a child also what it carves out of its parent's claims.").optional()
})

const inheritedPatterns = patterns("The window inside which config and instance children ship.")

const moduleDependency = z.strictObject({
  name: z.string().describe("A module's name, or owner/name at the forge."),
  version: z.string().optional().describe("A semantic version range."),
  optional: z.boolean().optional()
})

const moduleDependencies = list(moduleDependency)

const dependencies = z.strictObject({
  requires: list(z.string()).optional().describe("name@range or owner/name@range."),
  recommends: list(z.string()).optional().describe("Like requires, for modules that are only wished for."),
  conflicts: list(z.string()).optional().describe("Modules that must not be in the same composition."),
  provides: list(z.string()).optional().describe("Capability tags; one module of a composition may provide each.")
})

const port = z.strictObject({
  port: z.int().min(1).max(65_535),
  protocol: z.enum(["tcp", "udp", "sctp"]),
  name: text(64).optional()
})

const health = z.strictObject({
  endpoint: text(2048).optional().describe("What is asked: a URL, a path or host:port."),
  method: z.enum(["GET", "POST", "PUT", "TCP"]).optional(),
  interval_seconds: seconds(1).optional(),
  timeout_seconds: seconds(1).optional(),
  initial_delay_seconds: seconds(0).optional()
})

const serviceDependency = z.strictObject({
  service: z.string(),
  kind: z.enum(["start_before", "requires_health", "softdep"]).optional()
})

const service = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, "invalid_name"),
  start_command: text(4096).optional(),
  stop_command: text(4096).optional(),
  restart_policy: z.enum(["never", "on-failure", "always"]).optional(),
  user: text(64).optional(),
  working_directory: text(4096).optional(),
  env: z.record(
    z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "invalid_format"),
    z.union([z.string(), z.number(), z.boolean()])
  ).optional(),
  exposed_ports: list(port).optional(),
  capabilities: list(z.string()).optional(),
  health: health.optional(),
  dependencies: list(serviceDependency).optional(),
  metadata: z.record(z.string(), z.unknown()).optional()
})

const security = z.strictObject({
  capabilities: list(z.string()).optional().describe("Linux capabilities such as CAP_NET_BIND_SERVICE."),
  selinux_profile: text(4096).nullable().optional(),
  apparmor_profile: text(4096).nullable().optional(),
  seccomp_profile: text(4096).nullable().optional(),
  egress_allow: list(z.string()).optional().describe("host or host:port; everything else is denied."),
  privileged: z.boolean().optional(),
  user_namespace: z.boolean().optional()
})

const build = z.strictObject({
  ubuntu_digest: format(/^sha256:[0-9a-f]{64}$/).nullable().optional(),
  apt_snapshot: format(/^[0-9]{8}T[0-9]{6}Z$/).nullable().optional(),
  firmware_repo: text(2048).nullable().optional(),
  firmware_ref: text(256).nullable().optional(),
  k3s_version: text(256).nullable().optional()
})

const variety = z.enum(["subscription", "config", "instance"])

const common = {
  schema_version: z.literal(1),
  display_name: text(200).optional(),
  license: text(1000).optional().describe("An SPDX licence expression."),
  mask: patterns("What the module must not ship.").optional(),
  protected_spec: patterns("What it claims: no other module may ship that.").optional(),
  package_spec: list(z.string()).optional().describe("Debian packages for the build."),
  dependencies: dependencies.optional(),
  init: z.strictObject({ start: text(4096).optional(), stop: text(4096).optional(), restart: text(4096).optional() })
    .optional(),
  services: z.array(service).max(200).optional(),
  reboot_required: z.boolean().optional().describe("Whether the module comes and goes only with a reboot."),
  security: security.optional(),
  skills: list(z.unknown()).optional(),
  build: build.optional()
}

const description = text(10_000).optional()

const flatIdentity = {
  name,
  description,
  category: name.optional(),
  variety: variety.optional(),
  parent_module: name.optional()
}

const identity = z.strictObject({
  name,
  category: name.optional(),
  variety: variety.optional(),
  description,
  cosign_identity_regexp: text(1024).optional().describe("RE2; whom the operator who registers the module may trust."),
  cosign_issuer_regexp: text(1024).optional(),
  parent_module: name.optional()
})

const anyFileSpec = z.union([fileSpecList, fileSpecMap]).optional()
const anyDependencySpec = z.union([inheritedPatterns, moduleDependencies]).optional()

const flat = z.strictObject({ ...common, ...flatIdentity, file_spec: anyFileSpec, dependency_spec: anyDependencySpec })
const wrapped = z.strictObject({ ...common, identity, file_spec: anyFileSpec, dependency_spec: anyDependencySpec })

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
    of instanceof z.ZodOptional || of instanceof z.ZodNullable ? inner(of.unwrap()) : of
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
