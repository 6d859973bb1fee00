/**
 * The long-running programs of a layer, as its version's manifest describes them.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import type { ModuleService } from "../manifest/ModuleManifest.ts"

const Texts = Schema.Array(Schema.String)

/**
 * A service. What is absent is the agent's default. A manifest's `metadata` is left out: it is the host's own.
 *
 * @category schemas
 * @since 0.1.0
 */
export const LayerService = Schema.Struct({
  name: Schema.String,
  startCommand: Schema.optional(Schema.String),
  stopCommand: Schema.optional(Schema.String),
  restartPolicy: Schema.optional(Schema.Literals(["never", "on-failure", "always"])),
  user: Schema.optional(Schema.String),
  workingDirectory: Schema.optional(Schema.String),
  env: Schema.optional(Schema.Record(Schema.String, Schema.String)),
  exposedPorts: Schema.optional(Schema.Array(Schema.Struct({
    port: Schema.Int,
    protocol: Schema.Literals(["tcp", "udp", "sctp"]),
    name: Schema.optional(Schema.String)
  }))),
  capabilities: Schema.optional(Texts),
  /** Durations are seconds. */
  health: Schema.optional(Schema.Struct({
    endpoint: Schema.optional(Schema.String),
    method: Schema.Literals(["GET", "POST", "PUT", "TCP"]),
    intervalSeconds: Schema.Finite,
    timeoutSeconds: Schema.Finite,
    initialDelaySeconds: Schema.Finite
  })),
  dependencies: Schema.optional(Schema.Array(Schema.Struct({
    service: Schema.String,
    kind: Schema.Literals(["start_before", "requires_health", "softdep"])
  })))
})

/**
 * A service of a layer.
 *
 * @category models
 * @since 0.1.0
 */
export type LayerService = typeof LayerService.Type

/**
 * A service of a manifest as layers have it.
 *
 * @category conversions
 * @since 0.1.0
 */
export const fromManifest = (service: ModuleService): LayerService => ({
  name: service.name,
  startCommand: service.startCommand,
  stopCommand: service.stopCommand,
  restartPolicy: service.restartPolicy,
  user: service.user,
  workingDirectory: service.workingDirectory,
  env: service.env,
  exposedPorts: service.exposedPorts,
  capabilities: service.capabilities,
  health: service.health,
  dependencies: service.dependencies
})

/**
 * What of a service can change.
 *
 * @category models
 * @since 0.1.0
 */
export type Field = Exclude<keyof LayerService, "name">

const fields: ReadonlyArray<Field> = [
  "startCommand",
  "stopCommand",
  "restartPolicy",
  "user",
  "workingDirectory",
  "env",
  "exposedPorts",
  "capabilities",
  "health",
  "dependencies"
]

/** A text that is the same for values that mean the same: keys in order, nothing and empty alike. */
const meaning = (value: unknown): string =>
  value === undefined
    ? "[]"
    : JSON.stringify(value, (_, inner: unknown) =>
      typeof inner === "object" && inner !== null && !Array.isArray(inner)
        ? Object.entries(inner).filter(([, field]) => field !== undefined).sort(([a], [b]) => a < b ? -1 : 1)
        : inner)

/**
 * In which fields two services differ.
 *
 * @category comparing
 * @since 0.1.0
 */
export const differences = (left: LayerService, right: LayerService): ReadonlyArray<Field> =>
  fields.filter((field) => meaning(left[field]) !== meaning(right[field]))
