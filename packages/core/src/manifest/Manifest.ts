/**
 * Reading and writing `manifest.yaml`.
 *
 * Both authoring shapes are read: the flat one, and the one whose name stands under `identity`. Everything that is wrong
 * is reported at once.
 *
 * ```ts
 * import * as Result from "effect/Result"
 * import { Manifest } from "@lamina/core/manifest/index"
 *
 * const parsed = Manifest.parse("schema_version: 1\nname: my-redis\nfil_spec: [/etc/redis/**]\n")
 * if (Result.isFailure(parsed)) console.log(parsed.failure.render())
 * // error[unknown_key]: unknown key `fil_spec`
 * //  --> manifest.yaml:3:1
 * //   |
 * // 3 | fil_spec: [/etc/redis/**]
 * //   | ^^^^^^^^
 * //   = help: did you mean `file_spec`?
 * ```
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { Document } from "yaml"
import * as z from "zod"
import { render as renderRequirement, type Requirement } from "../composition/Requirement.ts"
import { manifestOf, trustOf } from "./internal/Canonical.ts"
import * as Checks from "./internal/Checks.ts"
import { anyDocument, type Document as AuthoredDocument, schemaFor } from "./internal/DocumentSchema.ts"
import * as IssueSink from "./internal/IssueSink.ts"
import * as SchemaIssues from "./internal/SchemaIssues.ts"
import * as YamlSource from "./internal/YamlSource.ts"
import * as ManifestIssue from "./ManifestIssue.ts"
import type { ExtraKey, Json, ManifestTrust, ModuleManifest, ModuleService } from "./ModuleManifest.ts"

/**
 * The most bytes that a manifest may have.
 *
 * @category limits
 * @since 0.1.0
 */
export const maximumBytes: number = YamlSource.maximumBytes

/**
 * The most issues that are reported of one manifest, and more are counted.
 *
 * @category limits
 * @since 0.1.0
 */
export const maximumIssues: number = IssueSink.maximumIssues

/**
 * A manifest was refused; `issues` has what was found, in the order of the text, warnings too. Of more than a hundred
 * issues the errors come first, and `omitted` is how many were left out.
 *
 * @category errors
 * @since 0.1.0
 */
export class ManifestError extends Schema.TaggedError<ManifestError>("@lamina/core/ManifestError")("ManifestError", {
  issues: Schema.Array(ManifestIssue.ManifestIssue),
  omitted: Schema.Int,
  source: Schema.String
}) {
  override get message(): string {
    const errors = this.issues.filter(({ severity }) => severity === "error")
    const lines = errors.map(({ code, column, line, message }) => `${line}:${column} ${message} (${code})`)
    const count = errors.length === 1 ? "1 error" : `${errors.length} errors`
    return `the manifest has ${count}: ${lines.join("; ")}${this.omitted === 0 ? "" : `; and ${this.omitted} more`}`
  }

  /** Every issue with its line of the manifest, for a person at a terminal. */
  render(fileName = "manifest.yaml"): string {
    const rendered = this.issues.map((issue) => ManifestIssue.render(issue, this.source, fileName))
    return [...rendered, ...(this.omitted === 0 ? [] : [`and ${this.omitted} more`])].join("\n\n")
  }
}

/**
 * A manifest that was read: `trust` is apart so that nobody takes it over by accident; `warnings` do not refuse it.
 *
 * @category models
 * @since 0.1.0
 */
export interface ParsedManifest {
  readonly manifest: ModuleManifest
  readonly trust: ManifestTrust
  readonly warnings: ReadonlyArray<ManifestIssue.ManifestIssue>
  /** How many warnings were left out. */
  readonly omitted: number
  readonly source: string
}

interface Decoded extends SchemaIssues.SchemaFindings {
  readonly document: AuthoredDocument | undefined
  readonly extras: ReadonlyArray<ExtraKey>
}

// Enough that the first hundred in the order of the text are among them, unless the manifest is hopeless.
const maximumSchemaIssues = 3 * IssueSink.maximumIssues

/** Spares zod its own sentences, which nobody reads; those of a schema's own formats are kept. */
const unspoken: { readonly error: () => string } = { error: () => "" }

const without = (data: Json, paths: ReadonlyArray<ExtraKey["path"]>): Json => {
  const removed = new Set(paths.map((path) => JSON.stringify(path)))
  const copy = (value: Json, path: ReadonlyArray<string | number>): Json => {
    if (Array.isArray(value)) return value.map((inner, index) => copy(inner, [...path, index]))
    if (typeof value !== "object" || value === null) return value
    return Object.fromEntries(
      Object.entries(value)
        .filter(([key]) => !removed.has(JSON.stringify([...path, key])))
        .map(([key, inner]) => [key, copy(inner, [...path, key])])
    )
  }
  return copy(data, [])
}

/** Where the canonical shape has no such map, the key goes to the top under its whole path. */
const canonicalPath = (path: ExtraKey["path"]): ExtraKey["path"] =>
  /^(?:identity|file_spec|dependency_spec)$/.test(String(path[0])) && path.length > 1
    ? [ManifestIssue.renderPath(path)]
    : path

const decode = (source: YamlSource.YamlSource, isLenient: boolean): Decoded => {
  const schema = schemaFor(source.data)
  const first = schema.safeParse(source.data, unspoken)
  if (first.success) return { document: first.data, extras: [], found: [], uncounted: 0 }
  const most = isLenient ? first.error.issues.length : maximumSchemaIssues
  const { found, uncounted } = SchemaIssues.findings(schema, source, first.error.issues, most)
  if (!isLenient) return { document: undefined, extras: [], found, uncounted }
  const unknown = found.filter(({ finding }) => finding.code === "unknown_key").map(({ finding }) => finding.path)
  const second = schema.safeParse(without(source.data, unknown), unspoken)
  return {
    uncounted,
    document: second.success ? second.data : undefined,
    extras: unknown.map((path) => ({
      path: canonicalPath(path),
      value: SchemaIssues.valueAt(source.data, path) ?? null
    })),
    found: found.map(({ finding, span }) => ({
      span,
      finding: finding.code === "unknown_key" ? { ...finding, severity: "warning" } : finding
    }))
  }
}

const isMap = (data: Json): boolean => typeof data === "object" && data !== null && !Array.isArray(data)

const notAMap: IssueSink.Finding = {
  code: "not_a_map",
  path: [],
  message: "the manifest is not a map of keys",
  hint: "it starts with `schema_version: 1`"
}

/** What could not be read needs no second complaint that it is missing. */
const withoutUnread = (
  found: ReadonlyArray<IssueSink.PlacedFinding>,
  readFound: ReadonlyArray<IssueSink.PlacedFinding>
): ReadonlyArray<IssueSink.PlacedFinding> => {
  const unread = new Set(readFound.map(({ finding }) => ManifestIssue.renderPath(finding.path)))
  return found.filter(({ finding }) => finding.path.length === 0 || !unread.has(ManifestIssue.renderPath(finding.path)))
}

/**
 * Reads a manifest. `lenient` keeps unknown keys as `extras`, with a warning, instead of refusing them.
 *
 * Bounds: 256 KiB, 3,200 tokens, 3,000 values (what aliases repeat is counted), 64 levels, 256 keys of one map.
 *
 * @category parsing
 * @since 0.1.0
 */
export const parse = (
  input: string | Uint8Array,
  options: { readonly lenient?: boolean } = {}
): Result.Result<ParsedManifest, ManifestError> => {
  const { found: readFound, lines, source, text } = YamlSource.read(input)
  const refuse = (found: ReadonlyArray<IssueSink.PlacedFinding>, uncounted = 0) => {
    const { issues, omitted } = IssueSink.issuesOf(lines, found)
    return Result.fail(new ManifestError({ issues, omitted: omitted + uncounted, source: text }))
  }
  if (source === undefined || readFound.length > IssueSink.maximumIssues) return refuse(readFound)
  if (!isMap(source.data)) return refuse([...readFound, { span: source.places.valueSpan([]), finding: notAMap }])

  const { document, extras, found, uncounted } = decode(source, options.lenient ?? false)
  const checked = document === undefined ? [] : Checks.findings(document)
  const all = [
    ...readFound,
    ...withoutUnread(found, readFound),
    ...checked.map((finding) => ({ span: source.places.valueSpan(finding.path), finding }))
  ]
  const { hasErrors, issues, omitted } = IssueSink.issuesOf(lines, all)
  if (document === undefined || hasErrors) return refuse(all, uncounted)
  return Result.succeed({
    manifest: manifestOf(document, source, extras),
    trust: trustOf(document),
    warnings: issues,
    omitted,
    source: text
  })
}

const requirements = (list: ReadonlyArray<Requirement>) => list.map(renderRequirement)

const serviceDocument = (service: ModuleService) => ({
  name: service.name,
  start_command: service.startCommand,
  stop_command: service.stopCommand,
  restart_policy: service.restartPolicy,
  user: service.user,
  working_directory: service.workingDirectory,
  env: unlessEmpty(service.env),
  exposed_ports: unlessEmpty(service.exposedPorts),
  capabilities: unlessEmpty(service.capabilities),
  health: service.health && {
    endpoint: service.health.endpoint,
    method: service.health.method,
    interval_seconds: service.health.intervalSeconds,
    timeout_seconds: service.health.timeoutSeconds,
    initial_delay_seconds: service.health.initialDelaySeconds
  },
  dependencies: unlessEmpty(service.dependencies),
  metadata: unlessEmpty(service.metadata)
})

const unlessEmpty = <A extends object>(value: A): A | undefined =>
  Object.values(value).every((inner) => inner === undefined) ? undefined : value

const flatDocument = (manifest: ModuleManifest) => ({
  schema_version: manifest.schemaVersion,
  name: manifest.name,
  display_name: manifest.displayName,
  description: manifest.description,
  license: manifest.license,
  category: manifest.category,
  variety: manifest.variety,
  parent_module: manifest.parentModule,
  mask: manifest.specs.mask,
  file_spec: manifest.specs.fileSpec,
  protected_spec: manifest.specs.protectedSpec,
  dependency_spec: manifest.specs.dependencySpec,
  package_spec: manifest.specs.packageSpec,
  dependencies: {
    requires: requirements(manifest.dependencies.requires),
    recommends: requirements(manifest.dependencies.recommends),
    conflicts: requirements(manifest.dependencies.conflicts),
    provides: manifest.dependencies.provides
  },
  init: unlessEmpty(manifest.init),
  services: manifest.services.map(serviceDocument),
  reboot_required: manifest.rebootRequired,
  security: {
    capabilities: manifest.security.capabilities,
    selinux_profile: manifest.security.selinuxProfile,
    apparmor_profile: manifest.security.apparmorProfile,
    seccomp_profile: manifest.security.seccompProfile,
    egress_allow: manifest.security.egressAllow,
    privileged: manifest.security.privileged,
    user_namespace: manifest.security.userNamespace
  },
  skills: unlessEmpty(manifest.skills),
  build: unlessEmpty({
    ubuntu_digest: manifest.build.ubuntuDigest,
    apt_snapshot: manifest.build.aptSnapshot,
    firmware_repo: manifest.build.firmwareRepo,
    firmware_ref: manifest.build.firmwareRef,
    k3s_version: manifest.build.k3sVersion
  })
})

/**
 * Writes a manifest in the canonical flat shape: the same text for the same manifest, and `parse` reads it back. Trust
 * is not written, since the flat shape has no place for it.
 *
 * @category formatting
 * @since 0.1.0
 */
export const format = (manifest: ModuleManifest): string => {
  const document = new Document(flatDocument(manifest), {
    aliasDuplicateObjects: false,
    version: "1.2",
    schema: "core"
  })
  for (const { path, value } of manifest.extras) document.setIn(path, value)
  return document.toString({ lineWidth: 0 })
}

/**
 * The JSON Schema (draft 2020-12) of the document, for editors. It is generated from the schema that {@link parse} uses;
 * what only the semantic checks know is not in it.
 *
 * @category schemas
 * @since 0.1.0
 */
export const toJsonSchema = (): { readonly [key: string]: unknown } => ({
  ...z.toJSONSchema(anyDocument, { target: "draft-2020-12", io: "input" }),
  title: "Module manifest",
  description: "manifest.yaml of a module, flat or with its name under identity."
})
