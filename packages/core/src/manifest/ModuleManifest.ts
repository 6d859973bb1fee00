/**
 * The canonical form of a manifest: what both authoring shapes are read into.
 *
 * @since 0.1.0
 */
import type { Dependencies } from "../composition/Requirement.ts"
import type { ModuleSpecs } from "../specs/ModuleSpecs.ts"

/**
 * What a module, category or service of a manifest may be called: 1 to 64 characters.
 *
 * @category patterns
 * @since 0.1.0
 */
export const namePattern: RegExp = /^[a-z](?:[a-z0-9-]{0,62}[a-z0-9])?$/

/**
 * Whether a text may name a module.
 *
 * @category predicates
 * @since 0.1.0
 */
export const isName = (text: string): boolean => namePattern.test(text)

/**
 * Data as JSON knows it.
 *
 * @category models
 * @since 0.1.0
 */
export type Json = null | boolean | number | string | ReadonlyArray<Json> | { readonly [key: string]: Json }

/**
 * A port that a service listens on.
 *
 * @category models
 * @since 0.1.0
 */
export interface ExposedPort {
  readonly port: number
  readonly protocol: "tcp" | "udp" | "sctp"
  readonly name: string | undefined
}

/**
 * How a service is asked whether it is well. Durations are seconds.
 *
 * @category models
 * @since 0.1.0
 */
export interface ServiceHealth {
  readonly endpoint: string | undefined
  readonly method: "GET" | "POST" | "PUT" | "TCP"
  readonly intervalSeconds: number
  readonly timeoutSeconds: number
  readonly initialDelaySeconds: number
}

/**
 * Another service of the same module, and what of it is waited for.
 *
 * @category models
 * @since 0.1.0
 */
export interface ServiceDependency {
  readonly service: string
  readonly kind: "start_before" | "requires_health" | "softdep"
}

/**
 * A long-running program of the module.
 *
 * @category models
 * @since 0.1.0
 */
export interface ModuleService {
  readonly name: string
  readonly startCommand: string | undefined
  readonly stopCommand: string | undefined
  readonly restartPolicy: "never" | "on-failure" | "always"
  readonly user: string | undefined
  readonly workingDirectory: string | undefined
  readonly env: { readonly [name: string]: string }
  readonly exposedPorts: ReadonlyArray<ExposedPort>
  readonly capabilities: ReadonlyArray<string>
  readonly health: ServiceHealth | undefined
  readonly dependencies: ReadonlyArray<ServiceDependency>
  readonly metadata: { readonly [key: string]: Json }
}

/**
 * What the module's programs may do. Profiles are paths inside the module; `egressAllow` has `host` or `host:port`.
 *
 * @category models
 * @since 0.1.0
 */
export interface ModuleSecurity {
  readonly capabilities: ReadonlyArray<string>
  readonly selinuxProfile: string | undefined
  readonly apparmorProfile: string | undefined
  readonly seccompProfile: string | undefined
  readonly egressAllow: ReadonlyArray<string>
  readonly privileged: boolean
  readonly userNamespace: boolean
}

/**
 * What the build is pinned to.
 *
 * @category models
 * @since 0.1.0
 */
export interface ModuleBuild {
  readonly ubuntuDigest: string | undefined
  readonly aptSnapshot: string | undefined
  readonly firmwareRepo: string | undefined
  readonly firmwareRef: string | undefined
  readonly k3sVersion: string | undefined
}

/**
 * A key that the schema does not know, kept by a lenient reading. A key inside `identity`, `file_spec` or
 * `dependency_spec` is kept at the top, under its whole path such as `identity.owner`.
 *
 * @category models
 * @since 0.1.0
 */
export interface ExtraKey {
  readonly path: ReadonlyArray<string | number>
  readonly value: Json
}

/**
 * A manifest.
 *
 * @category models
 * @since 0.1.0
 */
export interface ModuleManifest {
  readonly schemaVersion: 1
  readonly name: string
  readonly displayName: string | undefined
  readonly description: string | undefined
  readonly license: string | undefined
  readonly category: string | undefined
  readonly variety: "subscription" | "config" | "instance"
  readonly parentModule: string | undefined
  readonly specs: ModuleSpecs
  readonly dependencies: Dependencies
  /** Shell commands; kept for older agents, which ran them. */
  readonly init: {
    readonly start: string | undefined
    readonly stop: string | undefined
    readonly restart: string | undefined
  }
  readonly services: ReadonlyArray<ModuleService>
  readonly rebootRequired: boolean
  readonly security: ModuleSecurity
  readonly skills: ReadonlyArray<Json>
  readonly build: ModuleBuild
  readonly extras: ReadonlyArray<ExtraKey>
}

/**
 * Whom the author says to trust. A manifest that names its own signer proves nothing: only an authenticated operator
 * who registers the module may take these over.
 *
 * @category models
 * @since 0.1.0
 */
export interface ManifestTrust {
  readonly cosignIdentityRegexp: string | undefined
  readonly cosignIssuerRegexp: string | undefined
}
