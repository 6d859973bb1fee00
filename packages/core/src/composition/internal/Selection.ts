// The closure of the wanted modules with one version chosen for each.
import * as Channel from "../Channel.ts"
import type { Request, ResolvableModule, ResolvableVersion } from "../Resolver.ts"
import { Catalogue, type Edge } from "./Catalogue.ts"

export interface Selection {
  readonly roots: ReadonlyMap<string, Channel.Channel>
  readonly catalogue: Catalogue
  readonly chosen: ReadonlyMap<string, ResolvableVersion>
  readonly edges: ReadonlyArray<Edge>
  /** For each reached module the edge by which it was reached first. */
  readonly reachedBy: ReadonlyMap<string, Edge | undefined>
  /** Modules that some root really needs, not merely recommends. */
  readonly needed: ReadonlySet<string>
  /** Modules that recommendations no longer bring in. */
  readonly leftOut: ReadonlySet<string>
}

const byText = (left: string, right: string): number => left < right ? -1 : left > right ? 1 : 0

const acceptedByAll = (catalogue: Catalogue, edges: ReadonlyArray<Edge>, version: ResolvableVersion): boolean =>
  edges.every(({ requirement }) => catalogue.accepts(requirement, version.versionString))

type Wanted = Pick<Selection, "roots" | "catalogue" | "leftOut">

/** A wish is followed only where it can be met; so a failing wish never spoils what is needed. */
const isFollowed = ({ catalogue, leftOut }: Wanted, { requirement, to }: Edge): boolean =>
  to !== undefined &&
  (!requirement.optional ||
    (!leftOut.has(to.moduleName) &&
      catalogue.candidates(to).some((version) =>
        Channel.isStagingOrAbove(version.lifecycleState) && catalogue.accepts(requirement, version.versionString)
      )))

interface Walk extends Pick<Selection, "edges" | "reachedBy" | "needed"> {
  /** The edges by the module that they lead to. */
  readonly edgesTo: ReadonlyMap<string, ReadonlyArray<Edge>>
}

/**
 * The first candidate which all these edges accept; failing that, which fewer and fewer of them do: first without the
 * wishes, then without what only wishes led to. At last one that at least explains what is wrong.
 */
const best = (
  catalogue: Catalogue,
  module: ResolvableModule,
  edges: ReadonlyArray<Edge>,
  needed: ReadonlySet<string>
): ResolvableVersion | undefined => {
  const versions = catalogue.candidates(module)
  const usable = versions.filter(({ lifecycleState }) => Channel.isStagingOrAbove(lifecycleState))
  const welcome = usable.find((version) => acceptedByAll(catalogue, edges, version))
  if (welcome !== undefined) return welcome
  const hard = edges.filter(({ requirement }) => !requirement.optional)
  const needs = hard.filter(({ from }) => needed.has(from))
  for (const wanted of [hard, needs]) {
    const accepted = usable.find((version) => acceptedByAll(catalogue, wanted, version))
    if (accepted !== undefined) return accepted
  }
  return versions.find((version) => acceptedByAll(catalogue, needs, version)) ?? usable[0] ?? versions[0]
}

const walk = (wanted: Wanted, chosen: ReadonlyMap<string, ResolvableVersion>): Walk => {
  const { catalogue, roots } = wanted
  const edges: Array<Edge> = []
  const reachedBy = new Map<string, Edge | undefined>()
  const needed = new Set<string>()
  const edgesTo = new Map<string, Array<Edge>>()
  const isNeed = (edge: Edge): boolean => needed.has(edge.from) && !edge.requirement.optional

  const note = (edge: Edge): void => {
    edges.push(edge)
    if (edge.to === undefined) return
    const known = edgesTo.get(edge.to.moduleName)
    if (known === undefined) edgesTo.set(edge.to.moduleName, [edge])
    else known.push(edge)
  }

  /** The choice so far; of a module that is reached for the first time, the best for what is known to lead there. */
  const versionOf = (name: string): ResolvableVersion | undefined => {
    const known = chosen.get(name)
    if (known !== undefined) return known
    const module = catalogue.byName.get(name)
    return module && best(catalogue, module, edgesTo.get(name) ?? [], needed)
  }

  const follow = (names: Array<string>, enter: (name: string) => void, isWanted: (edge: Edge) => boolean): void => {
    for (const name of names) {
      enter(name)
      const version = versionOf(name)
      if (version === undefined) continue
      for (const edge of catalogue.edgesOf(name, version)) {
        if (!isWanted(edge)) continue
        note(edge)
        if (edge.to === undefined || !isFollowed(wanted, edge) || reachedBy.has(edge.to.moduleName)) continue
        reachedBy.set(edge.to.moduleName, edge)
        names.push(edge.to.moduleName)
      }
    }
  }

  // What is needed first: so a module which somebody needs is not explained by a mere recommendation.
  const starts = [...roots.keys()].sort(byText)
  for (const name of starts) reachedBy.set(name, undefined)
  follow(starts, (name) => needed.add(name), isNeed)
  follow([...reachedBy.keys()], () => {}, (edge) => !isNeed(edge))
  return { edges, edgesTo, reachedBy, needed }
}

const choose = (
  { catalogue }: Wanted,
  { edgesTo, needed, reachedBy }: Walk
): ReadonlyMap<string, ResolvableVersion> => {
  const chosen = new Map<string, ResolvableVersion>()
  for (const name of reachedBy.keys()) {
    const module = catalogue.byName.get(name)
    const version = module && best(catalogue, module, edgesTo.get(name) ?? [], needed)
    if (version !== undefined) chosen.set(name, version)
  }
  return chosen
}

const isSame = (left: ReadonlyMap<string, unknown>, right: ReadonlyMap<string, unknown>): boolean =>
  left.size === right.size && [...left].every(([name, version]) => right.get(name) === version)

const maximumRounds = 100

/**
 * Chooses versions, walks what they ask for, and chooses again with what was learnt until nothing changes. Choices that
 * keep displacing each other end after a fixed number of rounds, and what is then unmet is reported as such.
 */
export const select = ({ catalogue, leftOut, roots }: Wanted): Selection => {
  const wanted: Wanted = { roots, catalogue, leftOut }
  let chosen: ReadonlyMap<string, ResolvableVersion> = new Map()
  let walked = walk(wanted, chosen)
  for (let round = 0; round < maximumRounds; round++) {
    const next = choose(wanted, walked)
    if (isSame(chosen, next)) break
    chosen = next
    walked = walk(wanted, chosen)
  }
  const { edges, needed, reachedBy } = walked
  return { ...wanted, chosen, edges, reachedBy, needed }
}

/** What is wanted of what there is. */
export const start = (request: Request): Pick<Wanted, "roots" | "catalogue"> => {
  const roots = new Map(request.roots.map(({ channel, moduleName }) => [moduleName, channel ?? "live"] as const))
  return { roots, catalogue: new Catalogue(request.catalogue, roots, request.recommended ?? true) }
}

/** The names from a root to the module. Every edge by which a module was reached first leads away from the roots. */
export const chainTo = (selection: Pick<Selection, "reachedBy">, moduleName: string): ReadonlyArray<string> => {
  const chain = [moduleName]
  for (
    let edge = selection.reachedBy.get(moduleName);
    edge !== undefined;
    edge = selection.reachedBy.get(edge.from)
  ) {
    chain.push(edge.from)
  }
  return chain.reverse()
}

/** The recommended module that brought in a module nobody needs: the nearest on its chain. */
export const wishBehind = (selection: Selection, moduleName: string): string | undefined => {
  if (selection.needed.has(moduleName)) return undefined
  let name = moduleName
  for (let edge = selection.reachedBy.get(name); edge !== undefined; edge = selection.reachedBy.get(name)) {
    if (edge.requirement.optional) return name
    name = edge.from
  }
  return undefined
}

/** For each chosen module what it needs of the other chosen ones, by name. */
export const needsByName = (selection: Selection): ReadonlyMap<string, ReadonlyArray<string>> => {
  const needs = new Map<string, Array<string>>()
  for (const name of [...selection.chosen.keys()].sort(byText)) needs.set(name, [])
  for (const { from, requirement, to } of selection.edges) {
    if (!requirement.optional && to !== undefined && needs.has(to.moduleName)) needs.get(from)?.push(to.moduleName)
  }
  return needs
}

/** Every chosen module after those that it needs; inside a cycle the order is by name. */
export const dependenciesFirst = (selection: Selection): ReadonlyArray<string> => {
  const needs = needsByName(selection)
  const ordered: Array<string> = []
  const seen = new Set<string>()
  for (const root of needs.keys()) {
    const stack = [{ name: root, next: 0 }]
    while (stack.length > 0) {
      const top = stack.at(-1)
      if (top === undefined) break
      if (top.next === 0 && seen.has(top.name)) {
        stack.pop()
        continue
      }
      seen.add(top.name)
      const child = needs.get(top.name)?.[top.next++]
      if (child === undefined) {
        ordered.push(top.name)
        stack.pop()
      } else if (!seen.has(child)) {
        stack.push({ name: child, next: 0 })
      }
    }
  }
  return ordered
}
