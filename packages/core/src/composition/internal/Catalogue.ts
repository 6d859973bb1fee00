// What there is to choose from, with what is asked of it again and again remembered for one resolution: a closure of
// thousands of modules asks the same few thousand questions of semver in every round.
import * as Option from "effect/Option"
import * as Channel from "../Channel.ts"
import * as Requirement from "../Requirement.ts"
import type { ResolvableModule, ResolvableVersion } from "../Resolver.ts"
import { type Find, finder } from "./NamedModules.ts"
import { newestFirst } from "./VersionOrder.ts"

export interface Edge {
  readonly from: string
  readonly requirement: Requirement.Requirement
  /** The module it speaks of, absent where the catalogue has none. */
  readonly to: ResolvableModule | undefined
}

const byText = (left: string, right: string): number => left < right ? -1 : left > right ? 1 : 0

const trust: { readonly [State in Channel.LifecycleState]: number } = {
  live: 0,
  blessed: 1,
  staging: 2,
  draft: 3,
  archived: 4
}

export class Catalogue {
  readonly byName: ReadonlyMap<string, ResolvableModule>
  readonly find: Find<ResolvableModule>
  readonly #roots: ReadonlyMap<string, Channel.Channel>
  readonly #recommended: boolean
  readonly #edges = new Map<ResolvableVersion, ReadonlyArray<Edge>>()
  readonly #candidates = new Map<ResolvableModule, ReadonlyArray<ResolvableVersion>>()
  readonly #accepted = new Map<string, Map<string, boolean>>()

  constructor(
    modules: ReadonlyArray<ResolvableModule>,
    roots: ReadonlyMap<string, Channel.Channel>,
    recommended: boolean
  ) {
    this.byName = new Map(modules.map((module) => [module.moduleName, module]))
    this.find = finder(modules)
    this.#roots = roots
    this.#recommended = recommended
  }

  /** What a version asks for: needs first, then wishes. */
  edgesOf(from: string, version: ResolvableVersion): ReadonlyArray<Edge> {
    let edges = this.#edges.get(version)
    if (edges === undefined) this.#edges.set(version, edges = this.#makeEdges(from, version))
    return edges
  }

  #makeEdges(from: string, { dependencies }: ResolvableVersion): ReadonlyArray<Edge> {
    const wishes = dependencies.recommends.map((requirement) => ({ ...requirement, optional: true }))
    return [...dependencies.requires, ...wishes]
      .filter(({ optional }) => this.#recommended || !optional)
      .map((requirement) => ({ from, requirement, to: this.find(requirement) }))
      .sort((left, right) =>
        Number(left.requirement.optional) - Number(right.requirement.optional) ||
        byText(Requirement.render(left.requirement), Requirement.render(right.requirement))
      )
  }

  /** Versions from the most to the least wanted; the channel of a root leaves one or none. */
  candidates(module: ResolvableModule): ReadonlyArray<ResolvableVersion> {
    let candidates = this.#candidates.get(module)
    if (candidates === undefined) {
      const channel = this.#roots.get(module.moduleName)
      candidates = channel === undefined
        ? this.ranked(module)
        : Option.toArray(Channel.select(module.versions, channel))
      this.#candidates.set(module, candidates)
    }
    return candidates
  }

  /** All versions that are not under quarantine, from the most to the least trusted. */
  ranked(module: ResolvableModule): ReadonlyArray<ResolvableVersion> {
    return module.versions.filter(({ quarantined }) => quarantined !== true).sort((left, right) =>
      trust[left.lifecycleState] - trust[right.lifecycleState] ||
      newestFirst(left.versionString, right.versionString)
    )
  }

  accepts({ version: range = "*" }: Pick<Requirement.Requirement, "version">, versionString: string): boolean {
    let known = this.#accepted.get(range)
    if (known === undefined) this.#accepted.set(range, known = new Map())
    let isAccepted = known.get(versionString)
    if (isAccepted === undefined) {
      known.set(versionString, isAccepted = Requirement.accepts({ version: range }, versionString))
    }
    return isAccepted
  }
}
