// A difference the other way round.
import type { Change, PathCause, PathChange, PlanDiff, RebootNeed } from "../PlanDiff.ts"

const exchanged = <A>({ from, to }: Change<A>): Change<A> => ({
  ...(to === undefined ? {} : { from: to }),
  ...(from === undefined ? {} : { to: from })
})

const swapped = <A>({ from, to }: { readonly from: A; readonly to: A }): { readonly from: A; readonly to: A } => ({
  from: to,
  to: from
})

const causes: { readonly [What in PathCause["what"]]: PathCause["what"] } = {
  layer_added: "layer_removed",
  layer_removed: "layer_added",
  file_added: "file_removed",
  file_removed: "file_added",
  specs_changed: "specs_changed",
  order_changed: "order_changed"
}

const kinds: { readonly [Kind in PathChange["kind"]]: PathChange["kind"] } = {
  appeared: "disappeared",
  disappeared: "appeared",
  owner_changed: "owner_changed",
  visible_changed: "visible_changed"
}

const needs: { readonly [Because in RebootNeed["because"]]: RebootNeed["because"] } = {
  added: "removed",
  removed: "added",
  changed: "changed"
}

export const reverseDiff = (diff: PlanDiff): PlanDiff => ({
  planHash: swapped(diff.planHash),
  architecture: swapped(diff.architecture),
  isBlocked: swapped(diff.isBlocked),
  layers: diff.layers.map(({ aspects, moduleName, nowAbove, nowBelow, ...sides }) => ({
    moduleName,
    ...exchanged(sides),
    aspects,
    nowAbove: nowBelow,
    nowBelow: nowAbove
  })),
  paths: diff.paths.map((change) => ({
    path: change.path,
    kind: kinds[change.kind],
    ...exchanged(change),
    causes: change.causes.map(({ moduleName, what }) => ({ moduleName, what: causes[what] }))
  })),
  capabilities: diff.capabilities.map(({ capability, ...sides }) => ({ capability, ...exchanged(sides) })),
  services: diff.services.map(({ fields, moduleName, service, ...sides }) => ({
    moduleName,
    service,
    ...exchanged(sides),
    fields
  })),
  reboots: diff.reboots.map(({ because, moduleName }) => ({ moduleName, because: needs[because] })),
  conflicts: { appeared: diff.conflicts.solved, solved: diff.conflicts.appeared },
  isEmpty: diff.isEmpty
})
