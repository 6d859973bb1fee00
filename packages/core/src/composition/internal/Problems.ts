// Everything that is wrong with a selection, each with the chain of names that leads there.
import * as Channel from "../Channel.ts"
import * as Requirement from "../Requirement.ts"
import type { Problem, ResolvableVersion } from "../Resolver.ts"
import type { Edge } from "./Catalogue.ts"
import * as Selection from "./Selection.ts"

/** A problem, and the recommended module without which it would not be there. */
export interface Found {
  readonly problem: Problem
  readonly wish: string | undefined
}

const none = (problems: ReadonlyArray<Problem>): ReadonlyArray<Found> =>
  problems.map((problem) => ({ problem, wish: undefined }))

/** Puts a problem down to the first of the modules that nobody needs. */
const because = (
  selection: Selection.Selection,
  problems: ReadonlyArray<Problem>,
  modules: ReadonlyArray<string>
): ReadonlyArray<Found> => {
  const [wish] = modules.flatMap((name) => Selection.wishBehind(selection, name) ?? [])
  return problems.map((problem) => ({ problem, wish }))
}

const arrows = (chain: ReadonlyArray<string>): string => chain.join(" → ")

const ofRoots = (selection: Selection.Selection): ReadonlyArray<Problem> =>
  [...selection.roots].flatMap(([moduleName, channel]): ReadonlyArray<Problem> => {
    const chain = [moduleName]
    if (!selection.catalogue.byName.has(moduleName)) {
      return [{ _tag: "Missing", severity: "error", chain, message: `${moduleName} is not in the catalogue` }]
    }
    const chosen = selection.chosen.get(moduleName)
    if (chosen === undefined) {
      const message = `${moduleName} has no version for the channel ${Channel.render(channel)}`
      return [{ _tag: "NoVersion", severity: "error", chain, moduleName, channel, message }]
    }
    return belowStaging(chain, moduleName, chosen, "error")
  })

const belowStaging = (
  chain: ReadonlyArray<string>,
  moduleName: string,
  { lifecycleState, versionString }: ResolvableVersion,
  severity: Problem["severity"]
): ReadonlyArray<Problem> =>
  Channel.isStagingOrAbove(lifecycleState) ? [] : [{
    _tag: "BelowStaging",
    severity,
    chain,
    moduleName,
    versionString,
    lifecycleState,
    message: `${arrows(chain)}: ${moduleName} ${versionString} is ${lifecycleState}, below staging`
  }]

const isMet = (selection: Selection.Selection, { requirement, to }: Edge): boolean => {
  const chosen = to === undefined ? undefined : selection.chosen.get(to.moduleName)
  return chosen !== undefined && selection.catalogue.accepts(requirement, chosen.versionString) &&
    Channel.isStagingOrAbove(chosen.lifecycleState)
}

const ofEdge = (selection: Selection.Selection, edge: Edge): ReadonlyArray<Found> => {
  const { requirement, to } = edge
  if (isMet(selection, edge)) return []
  // That it was left out is said by the problem for which it was.
  if (requirement.optional && to !== undefined && selection.leftOut.has(to.moduleName)) return []
  const problems = unmet(selection, edge)
  return requirement.optional ? none(problems) : because(selection, problems, [edge.from])
}

const unmet = (selection: Selection.Selection, { from, requirement, to }: Edge): ReadonlyArray<Problem> => {
  const chain = [...Selection.chainTo(selection, from), Requirement.render(requirement)]
  const severity = requirement.optional || !selection.needed.has(from) ? "warning" : "error"
  if (to === undefined) {
    const message = `${arrows(chain)}: no module ${requirement.name} is in the catalogue`
    return [{ _tag: "Missing", severity, chain, message }]
  }
  const chosen = selection.chosen.get(to.moduleName)
  if (chosen !== undefined && selection.catalogue.accepts(requirement, chosen.versionString)) {
    // A root says this of itself.
    return selection.roots.has(to.moduleName) ? [] : belowStaging(chain, to.moduleName, chosen, severity)
  }
  const available = selection.catalogue.ranked(to).map(({ lifecycleState, versionString }) =>
    `${versionString} (${lifecycleState})`
  )
  const channel = selection.roots.get(to.moduleName)
  const instead = chosen === undefined ? "" : `; chosen is ${chosen.versionString}`
  const by = channel === undefined || chosen === undefined ? "" : ` by the channel ${Channel.render(channel)}`
  const there = available.length === 0 ? "it has no version" : `there are ${available.join(", ")}`
  const message = `${arrows(chain)}: no usable version of ${to.moduleName} fits; ${there}${instead}${by}`
  return [{ _tag: "RangeUnmet", severity, chain, moduleName: to.moduleName, available, message }]
}

const add = (lists: Map<string, Array<string>>, key: string, entry: string): void => {
  const list = lists.get(key)
  if (list === undefined) lists.set(key, [entry])
  else list.push(entry)
}

const shortestLoop = (needs: ReadonlyMap<string, ReadonlyArray<string>>, start: string): ReadonlyArray<string> => {
  const cameFrom = new Map<string, string>()
  const queue = [start]
  for (const name of queue) {
    for (const next of needs.get(name) ?? []) {
      if (next === start) {
        const loop = [start]
        for (let at: string | undefined = name; at !== undefined && at !== start; at = cameFrom.get(at)) {
          loop.splice(1, 0, at)
        }
        return [...loop, start]
      }
      if (!cameFrom.has(next)) {
        cameFrom.set(next, name)
        queue.push(next)
      }
    }
  }
  return []
}

/** What remains when modules without needs, and then those nobody needs, are taken away again and again. */
const entangled = (needs: ReadonlyMap<string, ReadonlyArray<string>>): ReadonlySet<string> => {
  const without = (
    remaining: ReadonlyMap<string, ReadonlyArray<string>>
  ): ReadonlyMap<string, ReadonlyArray<string>> => {
    const dependents = new Map<string, Array<string>>()
    const open = new Map<string, number>()
    for (const [name, targets] of remaining) {
      open.set(name, targets.length)
      for (const target of targets) add(dependents, target, name)
    }
    const free = [...remaining.keys()].filter((name) => open.get(name) === 0)
    for (const name of free) {
      for (const dependent of dependents.get(name) ?? []) {
        const left = (open.get(dependent) ?? 0) - 1
        open.set(dependent, left)
        if (left === 0) free.push(dependent)
      }
    }
    const gone = new Set(free)
    return new Map(
      [...remaining].filter(([name]) => !gone.has(name)).map(([name, targets]) =>
        [name, targets.filter((target) => !gone.has(target))] as const
      )
    )
  }
  const reversed = (
    forward: ReadonlyMap<string, ReadonlyArray<string>>
  ): ReadonlyMap<string, ReadonlyArray<string>> => {
    const backward = new Map<string, Array<string>>([...forward.keys()].map((name) => [name, []]))
    for (const [name, targets] of forward) for (const target of targets) backward.get(target)?.push(name)
    return backward
  }
  return new Set(without(reversed(without(needs))).keys())
}

const cycles = (selection: Selection.Selection): ReadonlyArray<Found> => {
  const needs = Selection.needsByName(selection)
  const reported = new Set<string>()
  return [...entangled(needs)].sort().flatMap((name): ReadonlyArray<Found> => {
    if (reported.has(name)) return []
    const loop = shortestLoop(needs, name)
    if (loop.length === 0) return []
    for (const member of loop) reported.add(member)
    const severity = selection.needed.has(name) ? "error" : "warning"
    const message = `${arrows(loop)}: these modules require each other in a circle`
    const problem: Problem = { _tag: "Cycle", severity, chain: Selection.chainTo(selection, name), loop, message }
    return because(selection, [problem], loop)
  })
}

const conflicts = (selection: Selection.Selection): ReadonlyArray<Found> =>
  [...selection.chosen].flatMap(([name, { dependencies }]) =>
    dependencies.conflicts.flatMap((requirement): ReadonlyArray<Found> => {
      const other = selection.catalogue.find(requirement)?.moduleName
      const version = other === undefined ? undefined : selection.chosen.get(other)
      if (other === undefined || other === name || version === undefined) return []
      if (!selection.catalogue.accepts(requirement, version.versionString)) return []
      const chain = Selection.chainTo(selection, name)
      const severity = selection.needed.has(name) && selection.needed.has(other) ? "error" : "warning"
      const message = `${arrows(chain)} conflicts with ${Requirement.render(requirement)}, which is here by ` +
        `${arrows(Selection.chainTo(selection, other))} ${version.versionString}`
      const problem: Problem = { _tag: "Conflict", severity, chain, between: [name, other], message }
      return because(selection, [problem], [name, other])
    })
  )

const clashes = (selection: Selection.Selection): ReadonlyArray<Found> => {
  const providers = new Map<string, Array<string>>()
  for (const name of [...selection.chosen.keys()].sort()) {
    for (const capability of new Set(selection.chosen.get(name)?.dependencies.provides)) {
      add(providers, capability, name)
    }
  }
  return [...providers].sort().flatMap(([capability, names]): ReadonlyArray<Found> => {
    const [first] = names
    if (first === undefined || names.length === 1) return []
    const severity = names.filter((name) => selection.needed.has(name)).length > 1 ? "error" : "warning"
    const chains = names.map((name) => arrows(Selection.chainTo(selection, name)))
    const message = `${capability} has more than one provider: ${chains.join("; ")}`
    const chain = Selection.chainTo(selection, first)
    const problem: Problem = { _tag: "CapabilityClash", severity, chain, capability, providers: names, message }
    return because(selection, [problem], [...names].reverse())
  })
}

export const find = (selection: Selection.Selection): ReadonlyArray<Found> => [
  ...none(ofRoots(selection)),
  ...selection.edges.flatMap((edge) => ofEdge(selection, edge)),
  ...cycles(selection),
  ...conflicts(selection),
  ...clashes(selection)
]

const severityRank = { error: 0, warning: 1 }

/** Each problem once and as what is gravest of it, errors first. */
export const inOrder = (problems: ReadonlyArray<Problem>): ReadonlyArray<Problem> => {
  const said = new Set<string>()
  return [...problems]
    .sort((left, right) =>
      severityRank[left.severity] - severityRank[right.severity] ||
      (left.message < right.message ? -1 : left.message > right.message ? 1 : 0)
    )
    .filter(({ message }) => !said.has(message) && said.add(message))
}
