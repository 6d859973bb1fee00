import { ModuleRepository } from "@lamina/platform"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
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

/** What a module requires, directly or not, lowest first: names, and the folders that have them. */
type Needed = ReadonlyMap<string, string>

/** Looks for what a module requires, before anything is built. Depth first; a loop ends where it began. */
export const find = Effect.fnUntraced(function*(world: World, directory: string) {
  const found = new Map<string, string>()
  const visited = new Set<string>()
  const visit: (
    folder: string
  ) => Effect.Effect<void, ModuleRepository.UnreadableRepository | UnusableOption> = Effect.fnUntraced(
    function*(folder) {
      visited.add(folder)
      const { manifest } = yield* ModuleRepository.read(folder)
      if (Result.isFailure(manifest)) return
      const { dependencies, name } = manifest.success.manifest
      for (const required of dependencies.requires) {
        const needed = yield* folderOf(world, name, required.name)
        if (visited.has(needed)) continue
        yield* visit(needed)
        found.set(lastPart(required.name), needed)
      }
    }
  )
  yield* visit(directory)
  return found
})

/** Builds, publishes and promotes what a module requires, and returns the names. */
export const prepare = Effect.fnUntraced(function*(world: World, needed: Needed) {
  for (const [name, folder] of needed) {
    const module = yield* Repository.makeTagged(world, { directory: folder, version: undefined }, dependencyVersion)
    yield* Ingest.register(world, module, folder)
    const published = yield* Publication.publishQuietly(world, module)
    const version = yield* Ingest.ingestQuietly(world, name, published.index.digest)
    yield* Lifecycle.promoteQuietly(world, version)
    yield* world.report.note(
      `${name} ${version.versionString} from ${basename(folder)}: built, published, signed, taken in, live`
    )
  }
  return [...needed.keys()]
})

// A requirement may name the module, or owner and module as at a forge.
const lastPart = (name: string): string => name.split("/").at(-1) ?? name

const folderOf = ({ options }: World, by: string, name: string): Effect.Effect<string, UnusableOption> => {
  const folder = options.modules.map((modules) => join(modules, lastPart(name))).find((folder) =>
    existsSync(join(folder, "manifest.yaml"))
  )
  return folder === undefined
    ? Effect.fail(
      new UnusableOption({
        option: "--modules",
        detail: `${by} requires ${name}, and no folder ${lastPart(name)} is in ${
          [...new Set(options.modules)].join(" or ")
        }; name the folder that has it`
      })
    )
    : Effect.succeed(folder)
}
