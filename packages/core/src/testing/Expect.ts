/**
 * Assertions about compositions, differences and policies. They throw what every test runner shows as a failed
 * comparison, with both sides and the rendered plan; so they need no runner of their own.
 *
 * @example
 * ```ts
 * import { Build, Expect } from "@lamina/core/testing"
 *
 * const template = Build.template([
 *   Build.module("system-base", { files: ["/etc/passwd"], specs: { protectedSpec: ["/etc/passwd"] } }),
 *   Build.module("users", { files: ["/etc/passwd"] })
 * ])
 * Expect.conflicts(template, [{ _tag: "PathConflict", modules: ["users", "system-base"] }])
 * Expect.owners(template, { "/etc/passwd": "system-base" })
 * ```
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import * as Policy from "../approvals/Policy.ts"
import * as Composition from "../composition/Composition.ts"
import type { CompositionConflict, ConflictTag } from "../composition/CompositionConflict.ts"
import * as PlanDiff from "../composition/PlanDiff.ts"
import type * as Resolver from "../composition/Resolver.ts"
import * as Glob from "../specs/Glob.ts"
import * as GlobSet from "../specs/GlobSet.ts"
import { ExpectationFailed } from "./ExpectationFailed.ts"
import * as Matching from "./internal/Matching.ts"

/**
 * What assertions look at: a plan, or something that has one, such as a built or a composed template.
 *
 * @category models
 * @since 0.1.0
 */
export type Planned = Composition.CompositionPlan | { readonly plan: Composition.CompositionPlan }

/**
 * A conflict; what is left out is not compared.
 *
 * @category models
 * @since 0.1.0
 */
export interface ExpectedConflict {
  readonly _tag: ConflictTag
  readonly severity?: CompositionConflict["severity"]
  /** In the conflict's order: the one to look at first. */
  readonly modules?: ReadonlyArray<string>
  /** Of a `PathConflict`. */
  readonly path?: string
}

/**
 * A problem of the resolver; what is left out is not compared.
 *
 * @category models
 * @since 0.1.0
 */
export interface ExpectedProblem {
  readonly _tag: Resolver.Problem["_tag"]
  readonly severity?: Resolver.Problem["severity"]
  readonly chain?: ReadonlyArray<string>
}

/**
 * The composition has exactly these conflicts, in any order.
 *
 * @category assertions
 * @since 0.1.0
 */
export const conflicts = (planned: Planned, expected: ReadonlyArray<ExpectedConflict>): void => {
  const plan = planOf(planned)
  const actual = plan.conflicts.map(({ _tag, modules, path, severity }) => ({
    _tag,
    severity,
    modules,
    ...(path === undefined ? {} : { path: path.path })
  }))
  expectSame("the composition has other conflicts", Matching.exactly(actual, expected), planned)
}

/**
 * The resolver reports exactly these problems, in any order.
 *
 * @category assertions
 * @since 0.1.0
 */
export const problems = (
  resolution: { readonly problems: ReadonlyArray<Resolver.Problem> },
  expected: ReadonlyArray<ExpectedProblem>
): void => {
  const actual = resolution.problems.map(({ _tag, chain, severity }) => ({ _tag, severity, chain }))
  const messages = resolution.problems.map(({ message, severity }) => `${severity}: ${message}`).join("\n")
  expectSame("there are other problems", Matching.exactly(actual, expected), messages)
}

/**
 * Nothing is wrong: no conflict and no problem, not even a warning.
 *
 * @category assertions
 * @since 0.1.0
 */
export const sound = (
  planned: Planned & { readonly problems?: ReadonlyArray<Resolver.Problem> }
): void => {
  if (planned.problems !== undefined) problems({ problems: planned.problems }, [])
  conflicts(planned, [])
}

/**
 * These modules own these paths; a path that nobody ships is owned by nobody.
 *
 * @category assertions
 * @since 0.1.0
 */
export const owners = (planned: Planned, expected: { readonly [path: string]: string | undefined }): void => {
  const owner = new Map(planOf(planned).ownership.paths.map((path) => [path.path, path.owner]))
  const actual = Object.fromEntries(Object.keys(expected).map((path) => [path, owner.get(path)]))
  expectSame("paths have other owners", { actual, expected }, planned)
}

/**
 * No layer ships a path that one of the patterns covers; layers of `except` may.
 *
 * @category assertions
 * @since 0.1.0
 */
export const nothingShipped = (
  planned: Planned,
  patterns: ReadonlyArray<string>,
  options: { readonly except?: ReadonlyArray<string> } = {}
): void => {
  const forbidden = GlobSet.make(patterns.map((pattern) => Result.getOrThrow(Glob.parse(pattern))))
  const actual = planOf(planned).layers.flatMap(({ files, moduleName }) =>
    options.except?.includes(moduleName) === true
      ? []
      : files.filter((path) => forbidden.first(path) >= 0).map((path) => `${moduleName} ships ${path}`)
  )
  expectSame(`layers ship what ${patterns.join(", ")} forbids`, { actual, expected: [] }, planned)
}

/**
 * The layers are these, from the bottom to the top.
 *
 * @category assertions
 * @since 0.1.0
 */
export const layers = (planned: Planned, expected: ReadonlyArray<string>): void => {
  const actual = planOf(planned).layers.map(({ moduleName }) => moduleName)
  expectSame("the composition has other layers", { actual, expected }, planned)
}

/**
 * These versions of these modules were chosen; a module that is not in the composition has none.
 *
 * @category assertions
 * @since 0.1.0
 */
export const versions = (planned: Planned, expected: { readonly [moduleName: string]: string | undefined }): void => {
  const chosen = new Map(planOf(planned).layers.map((layer) => [layer.moduleName, layer.versionString]))
  const actual = Object.fromEntries(Object.keys(expected).map((name) => [name, chosen.get(name)]))
  expectSame("other versions are chosen", { actual, expected }, planned)
}

/**
 * What a difference may contain, each list exactly; a list that is left out is not compared. Entries read `+ name` for
 * what comes, `- name` for what goes, and `~ name: what` for what changes.
 *
 * @category models
 * @since 0.1.0
 */
export interface ExpectedChanges {
  /** For example `~ my-redis: version, image`. */
  readonly layers?: ReadonlyArray<string>
  /** For example `~ my-redis/redis: startCommand`. */
  readonly services?: ReadonlyArray<string>
  /** For example `~ http.port:80: apache → nginx`. */
  readonly capabilities?: ReadonlyArray<string>
  /** For example `~ /etc/motd: nginx → motd`, by owner; the file that is seen follows where it is another's. */
  readonly paths?: ReadonlyArray<string>
  /** Names of modules. */
  readonly reboots?: ReadonlyArray<string>
  /** Messages of the conflicts that the second plan has and the first has not. */
  readonly newConflicts?: ReadonlyArray<string>
}

/**
 * From one plan to the other there is exactly this that changes.
 *
 * @category assertions
 * @since 0.1.0
 */
export const changes = (diff: PlanDiff.PlanDiff, expected: ExpectedChanges): void => {
  const actual: ExpectedChanges = {
    ...(expected.layers && { layers: diff.layers.map((one) => line(one, one.moduleName, one.aspects.join(", "))) }),
    ...(expected.services && {
      services: diff.services.map((one) => line(one, `${one.moduleName}/${one.service}`, one.fields.join(", ")))
    }),
    ...(expected.capabilities && {
      capabilities: diff.capabilities.map((one) => line(one, one.capability, arrow(one.from?.join(), one.to?.join())))
    }),
    ...(expected.paths && {
      paths: diff.paths.map((one) => line(one, one.path, arrow(holder(one.from), holder(one.to))))
    }),
    ...(expected.reboots && { reboots: diff.reboots.map(({ moduleName }) => moduleName) }),
    ...(expected.newConflicts && { newConflicts: diff.conflicts.appeared.map(({ message }) => message) })
  }
  expectSame("other things change", { actual, expected }, PlanDiff.render(diff))
}

/**
 * The policies together decide so.
 *
 * @category assertions
 * @since 0.1.0
 */
export const decision = (
  policies: ReadonlyArray<Policy.Policy>,
  question: Policy.Question,
  expected: Policy.PolicyDecision
): void => {
  const { decision: actual, trace } = Policy.decide(policies, question)
  const lines = trace.map(({ decision: own, matched, name, why }) => `${matched ? own : "-"}  ${name}: ${why}`)
  const { action, actor, moduleName } = question
  expectSame(
    `${action} of ${moduleName} by a ${actor.kind} is decided otherwise`,
    { actual, expected },
    lines.join("\n")
  )
}

const planOf = (planned: Planned): Composition.CompositionPlan => "plan" in planned ? planned.plan : planned

const line = (change: { readonly from?: unknown; readonly to?: unknown }, name: string, what: string): string =>
  change.from === undefined ? `+ ${name}` : change.to === undefined ? `- ${name}` : `~ ${name}: ${what}`

const arrow = (from = "", to = ""): string => `${from} → ${to}`

const holder = (state: PlanDiff.PathState | undefined): string | undefined =>
  state === undefined || state.visible === state.owner ? state?.owner : `${state.owner} (seen: ${state.visible})`

const expectSame = (
  what: string,
  { actual, expected }: { readonly actual: unknown; readonly expected: unknown },
  context: Planned | string
): void => {
  if (Matching.isSame(actual, expected)) return
  throw new ExpectationFailed({
    what,
    actual,
    expected,
    context: typeof context === "string" ? context : Composition.render(planOf(context))
  })
}
