/** Object stores that a command line names. */
import * as Effect from "effect/Effect"
import { existsSync, readdirSync } from "node:fs"
import { join } from "node:path"
import { attempt, Unusable } from "./failure.ts"
import { existingDirectory } from "./files.ts"

/**
 * The directory of a store that is there. A directory of something else is refused: without objects it would pass for a
 * store in which nothing is wrong, and which lacks everything.
 */
export const existingStore = Effect.fnUntraced(function*(path: string) {
  const directory = yield* existingDirectory(path)
  const names = yield* attempt(path, () => readdirSync(directory))
  if (names.length > 0 && !names.some(isOfStore)) {
    const objects = join(path, "objects")
    const hint = existsSync(objects) ? `; did you mean ${objects}?` : ""
    return yield* new Unusable({
      subject: path,
      problem: `it is not an object store: none of the directories 00 to ff is in it${hint}`
    })
  }
  return directory
})

/** Objects stand in directories named after their first byte; who writes has one of its own. */
const isOfStore = (name: string): boolean => /^(?:[0-9a-f]{2}$|\.tmp-|\.gc-)/.test(name)
