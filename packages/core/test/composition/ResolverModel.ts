// What Resolver.ts promises, by trying everything: for catalogues of a few modules with a few versions.
import { Channel, Requirement, Resolver } from "@lamina/core/composition/index"
import * as Option from "effect/Option"

/** A version for each of some modules, by name. */
export type Choice = ReadonlyMap<string, Resolver.ResolvableVersion>

export interface Question {
  readonly roots: ReadonlyArray<string>
  readonly catalogue: ReadonlyArray<Resolver.ResolvableModule>
}

const trust = ["live", "blessed", "staging"]

/** From the most to the least wanted: by trust, then the newest; the versions of these catalogues sort as texts do. */
const ranked = ({ versions }: Resolver.ResolvableModule): ReadonlyArray<Resolver.ResolvableVersion> =>
  versions.filter(({ lifecycleState }) => trust.includes(lifecycleState)).sort((left, right) =>
    trust.indexOf(left.lifecycleState) - trust.indexOf(right.lifecycleState) ||
    (left.versionString < right.versionString ? 1 : -1)
  )

const requirementsOn = (choice: Choice, name: string): ReadonlyArray<Requirement.Requirement> =>
  [...choice.values()].flatMap(({ dependencies }) => dependencies.requires.filter((need) => need.name === name))

/** The roots and what they lead to are there, and nothing else. */
const isClosure = ({ roots }: Question, choice: Choice): boolean => {
  const reached = new Set(roots)
  for (const name of reached) {
    for (const need of choice.get(name)?.dependencies.requires ?? []) reached.add(need.name)
  }
  return reached.size === choice.size && [...reached].every((name) => choice.has(name))
}

const isMet = (choice: Choice): boolean =>
  [...choice.keys()].every((name) => {
    const version = choice.get(name)
    return requirementsOn(choice, name).every((need) => Requirement.accepts(need, version?.versionString ?? ""))
  })

const isPeaceful = (choice: Choice): boolean => {
  const offered = [...choice.values()].flatMap(({ dependencies }) => [...new Set(dependencies.provides)])
  return new Set(offered).size === offered.length &&
    [...choice].every(([name, { dependencies }]) =>
      dependencies.conflicts.every((enemy) => {
        const other = choice.get(enemy.name)
        return other === undefined || enemy.name === name || !Requirement.accepts(enemy, other.versionString)
      })
    )
}

const isAcyclic = (choice: Choice): boolean => {
  const leadsBack = (name: string, seen: ReadonlyArray<string>): boolean =>
    seen.includes(name) ||
    (choice.get(name)?.dependencies.requires ?? []).some((need) => leadsBack(need.name, [...seen, name]))
  return [...choice.keys()].every((name) => !leadsBack(name, []))
}

/** What is named has the version that its channel says, and the rest one that may be used. */
const isAllowed = ({ catalogue, roots }: Question, choice: Choice): boolean =>
  [...choice].every(([name, version]) => {
    const versions = catalogue.find(({ moduleName }) => moduleName === name)?.versions ?? []
    return roots.includes(name)
      ? Option.getOrUndefined(Channel.select(versions)) === version
      : trust.includes(version.lifecycleState)
  })

/** Nothing is wrong with it. */
export const isValid = (question: Question, choice: Choice): boolean =>
  isAllowed(question, choice) && isClosure(question, choice) && isMet(choice) && isPeaceful(choice) && isAcyclic(choice)

/** What is not named has the most wanted of the versions that all dependents accept. */
const isBest = ({ catalogue, roots }: Question, choice: Choice): boolean =>
  [...choice].every(([name, version]) => {
    const module = catalogue.find(({ moduleName }) => moduleName === name)
    if (module === undefined || roots.includes(name)) return module !== undefined
    const needs = requirementsOn(choice, name)
    return ranked(module).find(({ versionString }) =>
      needs.every((need) => Requirement.accepts(need, versionString))
    ) ===
      version
  })

/** What the resolver looks for: the closure of the roots in which each version is the best one, whatever is wrong then. */
export const isStable = (question: Question, choice: Choice): boolean =>
  isAllowed(question, choice) && isClosure(question, choice) && isBest(question, choice)

/** Every way to take no version or one of each module. */
export const everyChoice = ({ catalogue }: Question): ReadonlyArray<Choice> =>
  catalogue.reduce<ReadonlyArray<Choice>>(
    (choices, { moduleName, versions }) =>
      choices.flatMap((choice) => [choice, ...versions.map((version) => new Map(choice).set(moduleName, version))]),
    [new Map()]
  )
