/**
 * Modules, versions and templates for tests: everything has a default, and digests follow from names and files.
 *
 * @example
 * ```ts
 * import { Build, Expect } from "@lamina/core/testing"
 *
 * const base = Build.module("system-base", { category: "system-base", files: ["/etc/passwd"] })
 * const redis = Build.module("my-redis", { files: ["/etc/redis/redis.conf"], requires: ["system-base@^1"] })
 * Expect.sound(Build.template([base, redis]))
 * ```
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import * as Policy from "../approvals/Policy.ts"
import * as Category from "../catalog/Category.ts"
import type * as Channel from "../composition/Channel.ts"
import * as Composition from "../composition/Composition.ts"
import * as LayerService from "../composition/LayerService.ts"
import * as Requirement from "../composition/Requirement.ts"
import * as Resolver from "../composition/Resolver.ts"
import * as Manifest from "../manifest/Manifest.ts"
import * as FileSpec from "../specs/FileSpec.ts"
import { digestOf } from "../specs/internal/Sha256.ts"
import * as ModuleSpecs from "../specs/ModuleSpecs.ts"

/**
 * What is said of a version. `files` are the paths in its image; `rootfs` are those of the tree that it is built from,
 * of which the image has what the specs select. Requirements are texts such as `system-base@^1.0`.
 *
 * @category models
 * @since 0.1.0
 */
export interface VersionDescription {
  /** Default `1.0.0`. */
  readonly versionString?: string
  /** Default `live`. */
  readonly lifecycleState?: Channel.LifecycleState
  readonly quarantined?: boolean
  readonly files?: ReadonlyArray<string>
  readonly rootfs?: ReadonlyArray<string>
  readonly specs?: Partial<ModuleSpecs.ModuleSpecs>
  readonly requires?: ReadonlyArray<string>
  readonly recommends?: ReadonlyArray<string>
  readonly conflicts?: ReadonlyArray<string>
  readonly provides?: ReadonlyArray<string>
  readonly rebootRequired?: boolean
  readonly services?: ReadonlyArray<LayerService.LayerService>
  /** Default `amd64` and `arm64`. */
  readonly architectures?: ReadonlyArray<string>
}

/**
 * What is said of a module. What is said of its versions holds for each of `versions` that does not say otherwise;
 * without `versions` there is one.
 *
 * @category models
 * @since 0.1.0
 */
export interface ModuleDescription extends VersionDescription {
  /** Default `userland`. */
  readonly category?: string
  /** Default that of a new account's category. */
  readonly categoryPosition?: number
  /** Default 0. */
  readonly priority?: number
  /** Default `subscription`. */
  readonly variety?: Composition.Variety
  readonly parentModule?: string
  readonly forgeRepository?: string
  readonly versions?: ReadonlyArray<VersionDescription>
}

/**
 * A version as the resolver sees it, and as the composition does once it is chosen.
 *
 * @category models
 * @since 0.1.0
 */
export interface BuiltVersion extends Resolver.ResolvableVersion {
  readonly assignment: Composition.Assignment
}

/**
 * A module with its versions, as the resolver's catalogue has it.
 *
 * @category models
 * @since 0.1.0
 */
export interface BuiltModule extends Resolver.ResolvableModule {
  readonly versions: ReadonlyArray<BuiltVersion>
}

/**
 * A template, resolved and planned.
 *
 * @category models
 * @since 0.1.0
 */
export interface BuiltTemplate {
  readonly selected: ReadonlyArray<Resolver.Resolved>
  readonly plan: Composition.CompositionPlan
  /** What is wrong with the choice of versions; what is wrong with the layers stands in `plan.conflicts`. */
  readonly problems: ReadonlyArray<Resolver.Problem>
  readonly isBlocked: boolean
}

/**
 * A module. A description that makes none (a requirement that is no requirement, a category without a position) throws:
 * the test is wrong then, not the policy.
 *
 * @category constructors
 * @since 0.1.0
 */
export const module = (moduleName: string, description: ModuleDescription = {}): BuiltModule => {
  const { forgeRepository, versions = [{}] } = description
  return {
    moduleName,
    ...(forgeRepository === undefined ? {} : { forgeRepository }),
    versions: versions.map((version) => versionOf(moduleName, { ...description, ...version }))
  }
}

/**
 * A module as its `manifest.yaml` describes it; the description adds to that and rules where both speak. A text that is
 * no manifest throws, with every issue in it.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromManifest = (manifestText: string, description: ModuleDescription = {}): BuiltModule => {
  const { manifest } = Result.getOrThrowWith(Manifest.parse(manifestText), (error) => new Error(error.render()))
  const { conflicts, provides, recommends, requires } = manifest.dependencies
  return module(manifest.name, {
    ...(manifest.category === undefined ? {} : { category: manifest.category }),
    ...(manifest.parentModule === undefined ? {} : { parentModule: manifest.parentModule }),
    variety: manifest.variety,
    rebootRequired: manifest.rebootRequired,
    specs: manifest.specs,
    requires: requires.map(Requirement.render),
    recommends: recommends.map(Requirement.render),
    conflicts: conflicts.map(Requirement.render),
    provides,
    services: manifest.services.map(LayerService.fromManifest),
    ...description
  })
}

/**
 * One module with one version, ready for `Composition.plan`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const assignment = (
  moduleName: string,
  description: Omit<ModuleDescription, "versions"> = {}
): Composition.Assignment => versionOf(moduleName, description).assignment

/**
 * The template of the modules, for an architecture (`amd64` unless told otherwise). `roots` are the modules that it
 * names, all of them unless told otherwise; the others are there to be required. `follow` has the channels of those that
 * follow another one than `live`. Two modules of one name throw, and so does `follow` of a module that is no root: the test
 * would not test what it seems to.
 *
 * @category constructors
 * @since 0.1.0
 */
export const template = (
  modules: ReadonlyArray<BuiltModule>,
  options: {
    readonly architecture?: string
    readonly roots?: ReadonlyArray<string>
    readonly follow?: { readonly [moduleName: string]: Channel.Channel }
  } = {}
): BuiltTemplate => {
  const { architecture = "amd64", follow = {}, roots = modules.map(({ moduleName }) => moduleName) } = options
  const names = modules.map(({ moduleName }) => moduleName)
  refuseAny(names.filter((name, position) => names.indexOf(name) < position), "is the name of two modules")
  refuseAny(Object.keys(follow).filter((name) => !roots.includes(name)), "follows a channel and is no root")
  const { problems, selected } = Resolver.resolve({
    roots: roots.map((moduleName) => ({ moduleName, channel: follow[moduleName] ?? "live" })),
    catalogue: modules
  })
  const assignments = selected.flatMap(({ moduleName, versionString }) =>
    modules.find((one) => one.moduleName === moduleName)?.versions
      .filter((version) => version.versionString === versionString)
      .map((version) => version.assignment) ?? []
  )
  const plan = Composition.plan(assignments, architecture)
  const isBlocked = plan.isBlocked || problems.some(({ severity }) => severity === "error")
  return { selected, plan, problems, isBlocked }
}

/**
 * Requirements from texts such as `system-base@^1.0`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const requirements = (
  texts: ReadonlyArray<string>,
  options: { readonly optional?: boolean } = {}
): ReadonlyArray<Requirement.Requirement> => texts.map((text) => Result.getOrThrow(Requirement.parse(text, options)))

/**
 * A policy; without more it wants an approval for everything.
 *
 * @category constructors
 * @since 0.1.0
 */
export const policy = (rule: Partial<Policy.PolicyRule> = {}): Policy.Policy => ({
  name: "policy",
  action: "*",
  moduleName: "*",
  decision: "require_approval",
  quorum: 1,
  lifetimeMillis: Policy.defaultLifetimeMillis,
  ...rule,
  id: `policy ${rule.name ?? "policy"}`,
  accountId: "account",
  rev: 1,
  createdAt: 0
})

const refuseAny = ([name]: ReadonlyArray<string>, what: string): void => {
  if (name !== undefined) throw new Error(`${name} ${what}`)
}

const versionOf = (moduleName: string, description: Omit<ModuleDescription, "versions">): BuiltVersion => {
  const { lifecycleState = "live", quarantined = false, versionString = "1.0.0" } = description
  const dependencies = dependenciesOf(description)
  return {
    versionString,
    lifecycleState,
    quarantined,
    dependencies,
    assignment: {
      ...placeOf(moduleName, description),
      versionString,
      specs: ModuleSpecs.make(description.specs ?? {}),
      dependencies,
      rebootRequired: description.rebootRequired ?? false,
      ...(description.services === undefined ? {} : { services: description.services }),
      artifacts: artifactsOf(moduleName, versionString, description)
    }
  }
}

const dependenciesOf = (description: VersionDescription): Requirement.Dependencies => ({
  requires: requirements(description.requires ?? []),
  recommends: requirements(description.recommends ?? [], { optional: true }),
  conflicts: requirements(description.conflicts ?? []),
  provides: description.provides ?? []
})

type Place = Pick<
  Composition.Assignment,
  "moduleName" | "forgeRepository" | "category" | "categoryPosition" | "priority" | "variety" | "parentModule"
>

const placeOf = (moduleName: string, description: ModuleDescription): Place => {
  const { category = "userland", forgeRepository, parentModule, priority = 0, variety = "subscription" } = description
  const categoryPosition = description.categoryPosition ??
    Category.defaults.find(({ slug }) => slug === category)?.position
  if (categoryPosition === undefined) {
    throw new Error(
      `${moduleName}: the category ${category} is none of a new account (${
        Category.defaults.map(({ slug }) => slug).join(", ")
      }); give its categoryPosition`
    )
  }
  return {
    moduleName,
    ...(forgeRepository === undefined ? {} : { forgeRepository }),
    category,
    categoryPosition,
    priority,
    variety,
    ...(parentModule === undefined ? {} : { parentModule })
  }
}

const artifactsOf = (
  moduleName: string,
  versionString: string,
  description: VersionDescription
): ReadonlyArray<Composition.LayerArtifact> => {
  const { architectures = ["amd64", "arm64"] } = description
  const files = filesOf(description)
  const content = digestOf(JSON.stringify(files))
  return architectures.map((architecture) => {
    const digest = (what: string) => digestOf(JSON.stringify([what, moduleName, versionString, architecture, content]))
    return {
      architecture,
      manifestDigest: digest("manifest"),
      composefsDigest: digest("image"),
      fsverityRootHash: digest("verity"),
      files
    }
  })
}

const filesOf = ({ files = [], rootfs = [], specs = {} }: VersionDescription): ReadonlyArray<string> => {
  if (rootfs.length === 0) return files
  const spec = Result.getOrThrow(FileSpec.compile(ModuleSpecs.make(specs)))
  return [...new Set([...files, ...rootfs.filter((path) => spec.selects(path))])]
}
