import * as Effect from "effect/Effect"
import { ContentError } from "../../Content.ts"
import { attempt, type FileProblem, syncPath } from "../files.ts"

/** The error of an operation on a path. */
export const toError = (operation: string, path: string) => ({ problem }: FileProblem): ContentError =>
  new ContentError({ reason: { _tag: "Io", operation, path, problem } })

export const io = <A>(operation: string, path: string, call: () => Promise<A>): Effect.Effect<A, ContentError> =>
  Effect.mapError(attempt(call), toError(operation, path))

/** Forces a file, or the names in a directory, to the disk. */
export const sync = (path: string): Effect.Effect<void, ContentError> =>
  Effect.mapError(syncPath(path), toError("sync", path))
