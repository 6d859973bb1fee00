// Which module a requirement names, where several could be meant.
import type { NamedModule, Requirement } from "../Requirement.ts"

const byText = (left: string, right: string): number => left < right ? -1 : left > right ? 1 : 0

export type Find<Module> = (requirement: Pick<Requirement, "name">) => Module | undefined

/**
 * The module of that name; else the one with that forge path, of several the first by name; else, of a forge path, the
 * one that is named like its last part. `Requirement.isFor` says the same of a single module.
 */
export const finder = <Module extends NamedModule>(modules: ReadonlyArray<Module>): Find<Module> => {
  const byName = new Map(modules.map((module) => [module.moduleName, module]))
  const byForge = new Map(
    [...modules].sort((left, right) => byText(right.moduleName, left.moduleName))
      .flatMap((module) => module.forgeRepository === undefined ? [] : [[module.forgeRepository, module] as const])
  )
  return ({ name }) => byName.get(name) ?? byForge.get(name) ?? byName.get(name.slice(name.indexOf("/") + 1))
}
