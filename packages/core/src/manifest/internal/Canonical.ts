// A document that the schema accepted -> the canonical manifest, whichever shape it has.
import * as Result from "effect/Result"
import * as Requirement from "../../composition/Requirement.ts"
import type { ModuleSpecs } from "../../specs/ModuleSpecs.ts"
import type {
  ExtraKey,
  Json,
  ManifestTrust,
  ModuleBuild,
  ModuleManifest,
  ModuleSecurity,
  ModuleService
} from "../ModuleManifest.ts"
import type { Document } from "./DocumentSchema.ts"
import type { YamlSource } from "./YamlSource.ts"

type ServiceDocument = NonNullable<Document["services"]>[number]

/** Empty texts stand for nothing, as authors of templates write them. */
const textOf = (value: string | null | undefined): string | undefined =>
  value === null || value === undefined || value.trim() === "" ? undefined : value

const identityOf = (document: Document) => "identity" in document ? document.identity : document

export const specsOf = (document: Document): ModuleSpecs => {
  const files = document.file_spec
  const isList = files === undefined || Array.isArray(files)
  const globs = (document.dependency_spec ?? []).filter((entry) => typeof entry === "string")
  return {
    mask: [...document.mask ?? [], ...(isList ? [] : [...files.exclude ?? [], ...files.mask ?? []])],
    fileSpec: isList ? files ?? [] : files.include ?? [],
    protectedSpec: document.protected_spec ?? [],
    dependencySpec: globs,
    packageSpec: document.package_spec ?? []
  }
}

const requirementsOf = (
  texts: ReadonlyArray<string> | undefined,
  optional: boolean
): ReadonlyArray<Requirement.Requirement> =>
  (texts ?? []).flatMap((text) => {
    const requirement = Requirement.parse(text, { optional })
    return Result.isSuccess(requirement) ? [requirement.success] : []
  })

/** Module dependencies of the identity shape, in the text form of the flat one. */
export const dependencyText = ({ name, version }: { readonly name: string; readonly version?: string | undefined }) =>
  version === undefined ? name : `${name}@${version}`

const dependenciesOf = (document: Document): Requirement.Dependencies => {
  const modules = (document.dependency_spec ?? []).filter((entry) => typeof entry !== "string")
  const named = (optional: boolean) => modules.filter((entry) => entry.optional === optional).map(dependencyText)
  const { conflicts, provides, recommends, requires } = document.dependencies ?? {}
  return {
    requires: requirementsOf([...requires ?? [], ...named(false)], false),
    recommends: requirementsOf([...recommends ?? [], ...named(true)], true),
    conflicts: requirementsOf(conflicts, false),
    provides: provides ?? []
  }
}

const jsonOf = (value: unknown): Json => {
  if (Array.isArray(value)) return value.map(jsonOf)
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, jsonOf(inner)]))
  }
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? value : null
}

const envOf = (service: ServiceDocument, index: number, source: YamlSource): ModuleService["env"] =>
  Object.fromEntries(
    Object.entries(service.env ?? {}).map(([name, value]) => [
      name,
      // What the author wrote, not what YAML made of it: 1.10 stays 1.10.
      value === null
        ? ""
        : typeof value === "string"
        ? value
        : source.places.written(["services", index, "env", name]) ?? String(value)
    ])
  )

const serviceOf = (service: ServiceDocument, index: number, source: YamlSource): ModuleService => ({
  name: service.name,
  startCommand: textOf(service.start_command),
  stopCommand: textOf(service.stop_command),
  restartPolicy: service.restart_policy,
  user: textOf(service.user),
  workingDirectory: textOf(service.working_directory),
  env: envOf(service, index, source),
  exposedPorts: (service.exposed_ports ?? []).map(({ name, port, protocol }) => ({
    port,
    protocol,
    name: textOf(name)
  })),
  capabilities: service.capabilities ?? [],
  health: service.health === undefined ? undefined : {
    endpoint: textOf(service.health.endpoint),
    method: service.health.method,
    intervalSeconds: service.health.interval_seconds,
    timeoutSeconds: service.health.timeout_seconds,
    initialDelaySeconds: service.health.initial_delay_seconds
  },
  dependencies: (service.dependencies ?? []).map(({ kind, service: other }) => ({ service: other, kind })),
  metadata: Object.fromEntries(Object.entries(service.metadata ?? {}).map(([key, value]) => [key, jsonOf(value)]))
})

const securityOf = (security: Document["security"]): ModuleSecurity => ({
  capabilities: security?.capabilities ?? [],
  selinuxProfile: textOf(security?.selinux_profile),
  apparmorProfile: textOf(security?.apparmor_profile),
  seccompProfile: textOf(security?.seccomp_profile),
  egressAllow: security?.egress_allow ?? [],
  privileged: security?.privileged ?? false,
  userNamespace: security?.user_namespace ?? false
})

const buildOf = (build: Document["build"]): ModuleBuild => ({
  ubuntuDigest: textOf(build?.ubuntu_digest),
  aptSnapshot: textOf(build?.apt_snapshot),
  firmwareRepo: textOf(build?.firmware_repo),
  firmwareRef: textOf(build?.firmware_ref),
  k3sVersion: textOf(build?.k3s_version)
})

export const manifestOf = (
  document: Document,
  source: YamlSource,
  extras: ReadonlyArray<ExtraKey>
): ModuleManifest => {
  const identity = identityOf(document)
  return {
    schemaVersion: 1,
    name: identity.name,
    displayName: textOf(document.display_name),
    description: textOf(identity.description),
    license: textOf(document.license),
    category: identity.category,
    variety: identity.variety,
    parentModule: identity.parent_module,
    specs: specsOf(document),
    dependencies: dependenciesOf(document),
    init: {
      start: textOf(document.init?.start),
      stop: textOf(document.init?.stop),
      restart: textOf(document.init?.restart)
    },
    services: (document.services ?? []).map((service, index) => serviceOf(service, index, source)),
    rebootRequired: document.reboot_required,
    security: securityOf(document.security),
    skills: (document.skills ?? []).map(jsonOf),
    build: buildOf(document.build),
    extras
  }
}

export const trustOf = (document: Document): ManifestTrust => ({
  cosignIdentityRegexp: "identity" in document ? textOf(document.identity.cosign_identity_regexp) : undefined,
  cosignIssuerRegexp: "identity" in document ? textOf(document.identity.cosign_issuer_regexp) : undefined
})
