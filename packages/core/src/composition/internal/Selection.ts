// The closure of the wanted modules with one version chosen for each.
import * as Option from "effect/Option"
import * as Channel from "../Channel.ts"
import * as Requirement from "../Requirement.ts"
import type { Request, ResolvableModule, ResolvableVersion } from "../Resolver.ts"
import { newestFirst } from "./VersionOrder.ts"

export interface Edge {
  readonly from: string
  readonly requirement: Requirement.Requirement
  /** The module it speaks of, absent where the catalogue has none. */
  readonly to: ResolvableModule | undefined
}

export interface Selection {
  readonly roots: ReadonlyMap<string, Channel.Channel>
  readonly modules: Modules
  readonly chosen: ReadonlyMap<string, ResolvableVersion>
  readonly edges: ReadonlyArray<Edge>
  /** For each reached module the edge by which it was reached first. */
  readonly reachedBy: ReadonlyMap<string, Edge | undefined>
  /** Modules that some root really needs, not merely recommends. */
  readonly needed: ReadonlySet<string>
  /** Modules that recommendations no longer bring in. */
  readonly leftOut: ReadonlySet<string>
}

export interface Modules {
  readonly byName: ReadonlyMap<string, ResolvableModule>
  readonly find: (requirement: Pick<Requirement.Requirement, "name">) => ResolvableModule | undefined
}

const byText = (left: string, right: string): number => left < right ? -1 : left > right ? 1 : 0

const indexModules = (catalogue: ReadonlyArray<ResolvableModule>): Modules => {
  const byName = new Map(catalogue.map((module) => [module.moduleName, module]))
  const byForge = new Map(
    [...catalogue].sort((left, right) => byText(right.moduleName, left.moduleName))
      .flatMap((module) => module.forgeRepository === undefined ? [] : [[module.forgeRepository, module] as const])
  )
  return {
    byName,
    find: ({ name }) => byName.get(name) ?? byForge.get(name) ?? byName.get(name.slice(name.indexOf("/") + 1))
  }
}

const edgesOf = (
  modules: Modules,
  from: string,
  { dependencies }: ResolvableVersion,
  recommended: boolean
): ReadonlyArray<Edge> => {
  const wishes = dependencies.recommends.map((requirement) => ({ ...requirement, optional: true }))
  return [...dependencies.requires, ...wishes]
    .filter(({ optional }) => recommended || !optional)
    .map((requirement) => ({ from, requirement, to: modules.find(requirement) }))
    .sort((left, right) =>
      Number(left.requirement.optional) - Number(right.requirement.optional) ||
      byText(Requirement.render(left.requirement), Requirement.render(right.requirement))
    )
}

const trust: { readonly [State in Channel.LifecycleState]: number } = {
  live: 0,
  blessed: 1,
  staging: 2,
  draft: 3,
  archived: 4
}

/** Versions from the most to the least wanted; a channel leaves one or none. */
export const candidates = (
  module: ResolvableModule,
  channel: Channel.Channel | undefined
): ReadonlyArray<ResolvableVersion> =>
  channel === undefined
    ? module.versions.filter(({ quarantined }) => quarantined !== true).sort((left, right) =>
      trust[left.lifecycleState] - trust[right.lifecycleState] ||
      newestFirst(left.versionString, right.versionString)
    )
    : Option.toArray(Channel.select(module.versions, channel))

const acceptedByAll = (edges: ReadonlyArray<Edge>, version: ResolvableVersion): boolean =>
  edges.every(({ requirement }) => Requirement.accepts(requirement, version.versionString))

type Wanted = Pick<Selection, "roots" | "modules" | "leftOut"> & { readonly recommended: boolean }

/** A wish is followed only where it can be met; so a failing wish never spoils what is needed. */
const isFollowed = ({ leftOut, roots }: Wanted, { requirement, to }: Edge): boolean =>
  to !== undefined &&
  (!requirement.optional ||
    (!leftOut.has(to.moduleName) &&
      candidates(to, roots.get(to.moduleName)).some((version) =>
        Channel.isStagingOrAbove(version.lifecycleState) && Requirement.accepts(requirement, version.versionString)
      )))

type Walk = Pick<Selection, "edges" | "reachedBy" | "needed">

/**
 * The first candidate which all these edges accept; failing that, which fewer and fewer of them do: first without the
 * wishes, then without what only wishes led to. At last one that at least explains what is wrong.
 */
const best = (
  module: ResolvableModule,
  channel: Channel.Channel | undefined,
  edges: ReadonlyArray<Edge>,
  needed: ReadonlySet<string>
): ResolvableVersion | undefined => {
  const hard = edges.filter(({ requirement }) => !requirement.optional)
  const needs = hard.filter(({ from }) => needed.has(from))
  const versions = candidates(module, channel)
  const usable = versions.filter(({ lifecycleState }) => Channel.isStagingOrAbove(lifecycleState))
  for (const wanted of [edges, hard, needs]) {
    const accepted = usable.find((version) => acceptedByAll(wanted, version))
    if (accepted !== undefined) return accepted
  }
  return versions.find((version) => acceptedByAll(needs, version)) ?? usable[0] ?? versions[0]
}

const walk = (wanted: Wanted, chosen: ReadonlyMap<string, ResolvableVersion>): Walk => {
  const { modules, recommended, roots } = wanted
  const edges: Array<Edge> = []
  const reachedBy = new Map<string, Edge | undefined>()
  const needed = new Set<string>()
  const isNeed = (edge: Edge): boolean => needed.has(edge.from) && !edge.requirement.optional

  /** The choice so far; of a module that is reached for the first time, the best for the edge that led there. */
  const versionOf = (name: string): ResolvableVersion | undefined => {
    const module = modules.byName.get(name)
    const edge = reachedBy.get(name)
    return chosen.get(name) ?? (module && best(module, roots.get(name), edge === undefined ? [] : [edge], needed))
  }

  const follow = (names: Array<string>, enter: (name: string) => void, isWanted: (edge: Edge) => boolean): void => {
    for (const name of names) {
      enter(name)
      const version = versionOf(name)
      if (version === undefined) continue
      for (const edge of edgesOf(modules, name, version, recommended).filter(isWanted)) {
        edges.push(edge)
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
  return { edges, reachedBy, needed }
}

const choose = (
  { modules, roots }: Wanted,
  { edges, needed, reachedBy }: Walk
): ReadonlyMap<string, ResolvableVersion> => {
  const edgesTo = new Map<string, Array<Edge>>()
  for (const edge of edges) {
    const name = edge.to?.moduleName
    if (name === undefined) continue
    const known = edgesTo.get(name)
    if (known === undefined) edgesTo.set(name, [edge])
    else known.push(edge)
  }
  const chosen = new Map<string, ResolvableVersion>()
  for (const name of reachedBy.keys()) {
    const module = modules.byName.get(name)
    const version = module && best(module, roots.get(name), edgesTo.get(name) ?? [], needed)
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
export const select = (request: Request, leftOut: ReadonlySet<string>): Selection => {
  const modules = indexModules(request.catalogue)
  const roots = new Map(request.roots.map(({ channel, moduleName }) => [moduleName, channel ?? "live"] as const))
  const wanted: Wanted = { roots, modules, leftOut, recommended: request.recommended ?? true }
  let chosen: ReadonlyMap<string, ResolvableVersion> = new Map()
  let walked = walk(wanted, chosen)
  for (let round = 0; round < maximumRounds; round++) {
    const next = choose(wanted, walked)
    if (isSame(chosen, next)) break
    chosen = next
    walked = walk(wanted, chosen)
  }
  return { roots, modules, leftOut, chosen, ...walked }
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
