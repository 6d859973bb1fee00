// What the team wants of every change, as functions that hold or throw. A policy of Lamina decides who may promote a
// version; these decide, before there is a version, whether a change is one that the team wants.
import type { PlanDiff } from "@lamina/core"
import { Build, Expect } from "@lamina/core/testing"

/** Paths that are a machine's own or a person's: no module ships them. */
export const forbiddenPaths = ["/home/**", "/root/**", "/usr/local/**", "/var/cache/**"]

/** A change that reboots machines says so. */
export const rebootIsAnnounced = (diff: PlanDiff.PlanDiff, labels: ReadonlyArray<string>): void => {
  if (!labels.includes("reboot")) Expect.changes(diff, { reboots: [] })
}

/** A change brings no conflict that was not there, not even a warning. */
export const nothingGetsWorse = (diff: PlanDiff.PlanDiff): void => Expect.changes(diff, { newConflicts: [] })

/** What the account is given: everybody may stage, two people let a version go live, and nobody but a person touches the base. */
export const promotion = [
  Build.policy({ name: "staging is free", action: "module_promote_to_staging", decision: "auto_approve" }),
  Build.policy({ name: "live needs two", action: "module_promote_to_live", decision: "require_approval", quorum: 2 }),
  Build.policy({
    name: "no automation on the base",
    moduleName: "system-base",
    actorKind: "automation",
    decision: "block"
  })
]
