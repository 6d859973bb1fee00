import {
  Approvals,
  type Composition,
  type ModuleVersion,
  Promotion,
  TemplateComposition,
  Templates
} from "@lamina/core"
import * as Effect from "effect/Effect"
import type { World } from "../World.ts"

const ladder = ["staging", "blessed", "live"] as const

/** From draft to live: what needs a second person gets one. */
export const promote = (world: World, version: ModuleVersion.ModuleVersion) =>
  world.report.step("promote", (progress) =>
    Effect.gen(function*() {
      const path: Array<string> = [version.lifecycleState]
      const approvals: Array<string> = []
      for (const [index, to] of ladder.entries()) {
        if (isAtLeast(version.lifecycleState, to)) continue
        const step = yield* promoteTo(world, version.id, to)
        path.push(step.version.lifecycleState)
        if (step.approval !== undefined) approvals.push(step.approval)
        progress(index + 1, ladder.length)
      }
      return {
        report: {
          fields: { path, approvals },
          lines: [path.length === 1 ? `${path[0]} already` : path.join(" → "), ...approvals]
        }
      }
    }))

const isAtLeast = (state: string, wanted: (typeof ladder)[number]): boolean =>
  ladder.findIndex((step) => step === state) >= ladder.indexOf(wanted)

const promoteTo = Effect.fnUntraced(function*(world: World, versionId: string, to: (typeof ladder)[number]) {
  const { asAda, asGrace } = world
  const promoted = Promotion.promote({ ...asAda, versionId, to, reason: "the example" })
  return yield* promoted.pipe(
    Effect.map((version) => ({ version, approval: undefined })),
    Effect.catchReason("PromotionError", "ApprovalRequired", ({ requestId }) =>
      Effect.gen(function*() {
        yield* Approvals.approve({ ...asGrace, requestId, reason: "read and agreed" })
        const approval = `${to} needs a second person: ${asAda.actor.id} asked, ${asGrace.actor.id} approved`
        return { version: yield* promoted, approval }
      }))
  )
})

/** Brings a dependency to live without a word. */
export const promoteQuietly = Effect.fnUntraced(function*(world: World, version: ModuleVersion.ModuleVersion) {
  for (const to of ladder) {
    if (!isAtLeast(version.lifecycleState, to)) yield* promoteTo(world, version.id, to)
  }
})

/** Assigns the modules to a template and composes it: which layers, bottom to top, and who owns which path. */
export const compose = (world: World, moduleNames: ReadonlyArray<string>) =>
  world.report.step("compose", () =>
    Effect.gen(function*() {
      const { asAda, options } = world
      const name = `${moduleNames.at(-1)}-host-${crypto.randomUUID().slice(0, 8)}`
      const template = yield* Templates.createTemplate({ ...asAda, name })
      for (const moduleName of moduleNames) {
        yield* Templates.assignModule({ ...asAda, templateId: template.id, moduleName })
      }
      const [architecture = "amd64"] = options.architectures
      const composed = yield* TemplateComposition.compose({ ...asAda, templateId: template.id, architecture })
      return { template, composed, report: describe(composed) }
    }))

const describe = ({ isBlocked, plan, problems }: TemplateComposition.ComposedTemplate) => ({
  fields: {
    plan_hash: plan.planHash,
    blocked: isBlocked,
    layers: plan.layers.map(layerFields),
    lowerdir: plan.lowerdir,
    owners: plan.ownership.paths,
    capabilities: plan.capabilities,
    reboot_required_by: plan.rebootRequiredBy,
    problems: problems.map(({ message }) => message),
    conflicts: plan.conflicts.map(({ message }) => message)
  },
  lines: [
    `${plan.architecture}, plan ${plan.planHash.slice(0, 19)}…, layers bottom to top:`,
    ...plan.layers.map((layer, index) =>
      `${index + 1}. ${layer.moduleName} ${layer.versionString}  priority ${layer.effectivePriority}  ${
        layer.composefsDigest.slice(0, 19)
      }…${layer.rebootRequired ? "  needs a reboot" : ""}`
    ),
    "who owns each path:",
    ...shown(plan.ownership.paths.map(({ owner, path }) => `  ${path}  ${owner}`)),
    ...plan.capabilities.map(({ capability, providers }) => `provides ${capability}: ${providers.join(", ")}`),
    ...[...problems, ...plan.conflicts].map(({ message, severity }) => `${severity}: ${message}`)
  ]
})

const shown = (lines: ReadonlyArray<string>): ReadonlyArray<string> =>
  lines.length <= 100 ? lines : [...lines.slice(0, 100), `  … ${lines.length - 100} more; --json has them all`]

const layerFields = (layer: Composition.Layer) => ({
  module: layer.moduleName,
  version_string: layer.versionString,
  effective_priority: layer.effectivePriority,
  composefs_digest: layer.composefsDigest,
  files: layer.files
})
