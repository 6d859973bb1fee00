/** What was stored and not yet forced to the disk. */
import * as Effect from "effect/Effect"
import { spawn } from "node:child_process"
import { dirname, join } from "node:path"
import type { ContentError } from "../../Content.ts"
import * as Node from "../../Node.ts"
import { sync } from "./problems.ts"

/** From so many objects on, to force the whole file system is quicker than each by itself. */
const worthWholeFileSystem = 64

export class Unflushed {
  readonly #directory: string
  /** One entry for each call, so that what comes during a flush is left for the next. */
  readonly #entries = new Set<{ readonly digests: ReadonlyArray<string> }>()

  constructor(directory: string) {
    this.#directory = directory
  }

  add(digests: ReadonlyArray<string>): void {
    if (digests.length > 0) this.#entries.add({ digests })
  }

  /** Forces everything that was there at the start. */
  readonly flush: Effect.Effect<void, ContentError> = Effect.suspend(() => {
    const entries = Array.from(this.#entries)
    const digests = new Set(entries.flatMap(({ digests }) => digests))
    // Not before all is well: whoever flushes again after a failure, or meanwhile, must not be told that it is.
    return Effect.map(this.#force(digests), () => {
      for (const entry of entries) this.#entries.delete(entry)
    })
  })

  #force(digests: ReadonlySet<string>): Effect.Effect<void, ContentError> {
    const each = Effect.suspend(() => this.#forceEach(digests))
    return digests.size < worthWholeFileSystem
      ? each
      : Effect.flatMap(syncFileSystem(this.#directory), (isDone) => isDone ? Effect.void : each)
  }

  #forceEach(digests: ReadonlySet<string>): Effect.Effect<void, ContentError> {
    const paths = Array.from(digests, (digest) => join(this.#directory, Node.objectPath(digest)))
    const directories = new Set([...paths.map((path) => dirname(path)), this.#directory])
    return Effect.andThen(
      Effect.forEach(paths, sync, { concurrency: 8, discard: true }),
      Effect.forEach(directories, sync, { concurrency: 8, discard: true })
    )
  }
}

/**
 * Forces the file system of a directory to the disk by syncfs(2), which Node lacks and `sync -f` of coreutils calls. False
 * where there is no such program, or where it fails: then each object by itself will say why.
 */
const syncFileSystem = (directory: string): Effect.Effect<boolean> =>
  process.platform === "linux"
    ? Effect.callback((resume) => {
      const child = spawn("sync", ["-f", "--", directory], { stdio: "ignore" })
      child.once("error", () => resume(Effect.succeed(false)))
      child.once("exit", (code) => resume(Effect.succeed(code === 0)))
      return Effect.sync(() => child.kill())
    })
    : Effect.succeed(false)
