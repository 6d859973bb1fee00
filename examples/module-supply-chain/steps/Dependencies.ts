import { ModuleBuilder } from "@lamina/platform"
import * as Effect from "effect/Effect"
import { existsSync } from "node:fs"
import { basename, join } from "node:path"
import { UnusableOption } from "../UnusableOption.ts"
import type { World } from "../World.ts"
import * as Ingest from "./Ingest.ts"
import * as Lifecycle from "./Lifecycle.ts"
import * as Publication from "./Publication.ts"
import * as Repository from "./Repository.ts"

// The version that the examples' modules are published as when no tag says another.
const dependencyVersion = "1.0.0"

/** Builds, publishes and promotes what a module requires, lowest first, and returns the names; what is missing stays missing. */
export const prepare = Effect.fnUntraced(function*(world: World, directory: string) {
  const found = yield* closure(world, directory)
  for (const [name, folder] of found) {
    const module = yield* Repository.makeTagged(world, { directory: folder, version: undefined }, dependencyVersion)
    yield* Ingest.register(world, module, folder)
    const published = yield* Publication.publishQuietly(world, module)
    const version = yield* Ingest.ingestQuietly(world, name, published.index.digest)
    yield* Lifecycle.promoteQuietly(world, version)
    yield* world.report.note(
      `${name} ${version.versionString} from ${basename(folder)}: built, published, signed, taken in, live`
    )
  }
  return [...found.keys()]
})

/** What a module requires has to be there before anything is built. */
export const check = Effect.fnUntraced(function*(world: World, directory: string) {
  for (const folder of [directory, ...(yield* closure(world, directory)).values()]) {
    const { manifest } = yield* ModuleBuilder.dryRun(folder)
    const missing = manifest?.dependencies.requires.find(({ name }) => folderOf(world, name) === undefined)
    if (missing !== undefined) {
      return yield* new UnusableOption({
        option: "--modules",
        detail: `${manifest?.name} requires ${missing.name}, and no folder ${missing.name.split("/").at(-1)} is in ${
          [...new Set(world.options.modules)].join(" or ")
        }; name the folder that has it`
      })
    }
  }
})

// Depth first, so that what is needed comes before what needs it; a loop ends where it began.
const closure = Effect.fnUntraced(function*(world: World, directory: string) {
  const found = new Map<string, string>()
  const visited = new Set<string>()
  const visit: (folder: string) => Effect.Effect<void, ModuleBuilderFailure> = Effect.fnUntraced(function*(folder) {
    visited.add(folder)
    const { manifest } = yield* ModuleBuilder.dryRun(folder)
    for (const { name } of manifest?.dependencies.requires ?? []) {
      const needed = folderOf(world, name)
      if (needed === undefined || visited.has(needed)) continue
      yield* visit(needed)
      found.set(name.split("/").at(-1) ?? name, needed)
    }
  })
  yield* visit(directory)
  return found
})

type ModuleBuilderFailure = Effect.Error<ReturnType<typeof ModuleBuilder.dryRun>>

// A requirement may name the module, or owner and module as at a forge.
const folderOf = ({ options }: World, name: string): string | undefined =>
  options.modules.map((folder) => join(folder, name.split("/").at(-1) ?? name)).find((folder) =>
    existsSync(join(folder, "manifest.yaml"))
  )
