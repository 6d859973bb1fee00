/** fs-verity of what a command line names: a file, a pipe, the standard input. */
import * as FsVerity from "@lamina/composefs/FsVerity"
import * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"
import { plain, Unusable } from "./failure.ts"
import { isAtHand, streamFile } from "./input.ts"
import type { Io } from "./io.ts"
import { toPath } from "./names.ts"

/** The bytes of what can only be read in order; undefined for a file, which has better ways. */
export const contentOf = (
  path: string,
  io: Io
): Effect.Effect<Stream.Stream<Uint8Array, Unusable> | undefined, Unusable> =>
  path === "-"
    ? Effect.succeed(io.input)
    : Effect.map(isAtHand(path), (atHand) => atHand ? undefined : streamFile(path))

/** The fs-verity digest of bytes, even of a directory's or a dump's file. */
export const digestOfFile = Effect.fnUntraced(function*(
  path: string,
  using: FsVerity.Parameters,
  threads: number | undefined,
  io: Io
) {
  const content = yield* contentOf(path, io)
  return yield* content === undefined
    ? named(path, FsVerity.digestFile(toPath(path), using, { threads }))
    : FsVerity.digestStream(content, using)
})

/** What cannot be read is told as of every other file. */
export const named = <A>(
  path: string,
  reading: Effect.Effect<A, FsVerity.FsVerityError>
): Effect.Effect<A, FsVerity.FsVerityError | Unusable> =>
  Effect.mapError(reading, (error) =>
    error.reason._tag === "Unreadable"
      ? new Unusable({ subject: path, problem: plain(error.reason.problem) })
      : error)
