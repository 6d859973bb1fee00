/** Files so large that all threads share each of them. */
import * as Effect from "effect/Effect"
import { open } from "node:fs/promises"
import { attempt, type FileProblem } from "../files.ts"
import { type FilePath, readOnly } from "../openFlags.ts"
import { descriptorDigest, type Parameters } from "../verity/blockHash.ts"
import { hashSegments } from "../verity/fileSegments.ts"

/** From this size on, what the threads win by sharing is more than what their start costs. */
export const hugeSize = 64 << 20

/** The digest of a file of a known size; whether somebody wrote to it meanwhile is for the caller to see. */
export const digestOfHugeFile = (
  path: FilePath,
  size: number,
  using: Parameters,
  threads: number
): Effect.Effect<string, FileProblem> =>
  Effect.acquireUseRelease(
    attempt(() => open(path, readOnly)),
    (handle) =>
      Effect.map(
        hashSegments(handle, size, { using, threads, keepsLeaves: false }),
        ({ root }) => descriptorDigest(using, size, root)
      ),
    (handle) => Effect.ignore(attempt(() => handle.close()))
  )
