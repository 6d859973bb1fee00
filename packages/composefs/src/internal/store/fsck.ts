/** Compares every object of a store with its name. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { join } from "node:path"
import { ContentError } from "../../Content.ts"
import * as Tree from "../../Tree.ts"
import { type BatchResult, batchSize, digestText, outcome } from "../scan/batch.ts"
import { BatchQueue } from "../scan/batchQueue.ts"
import { readAll } from "../scan/crew.ts"
import { numberAt } from "../scan/stats.ts"
import { type Parameters, sha256, sha512 } from "../verity/blockHash.ts"
import { listStore } from "./listing.ts"
import { objectsOf } from "./names.ts"
import type { AffectedFile, FsckOptions, FsckReport } from "./reports.ts"

/** `ownTemporary` is no left-over. */
export const fsckStore = Effect.fnUntraced(function*(directory: string, ownTemporary: string, options: FsckOptions) {
  const { digests, foreign, temporaries, trash } = yield* listStore(directory)
  const findings = new Findings(options.onProgress)
  for (const using of [sha256, sha512]) {
    const size = using.algorithm === "sha256" ? 64 : 128
    yield* readObjects(directory, digests.filter((digest) => digest.length === size), using, findings, options.threads)
  }
  const known = new Set(digests)
  const affected = Array.from(options.roots ?? [], ([root, tree]) => Array.from(findings.affected(root, tree, known)))
    .flat()
  const missing = new Set(affected.filter(({ problem }) => problem === "missing").map(({ digest }) => digest))
  return {
    ...findings.report,
    missing: Array.from(missing),
    affected,
    temporaries: [...temporaries, ...trash].filter((name) => name !== ownTemporary),
    foreign
  } satisfies FsckReport
})

const readObjects = (
  directory: string,
  digests: ReadonlyArray<string>,
  using: Parameters,
  findings: Findings,
  threads: number | undefined
): Effect.Effect<void, ContentError> =>
  Effect.suspend(() => {
    const queue = new BatchQueue(batchSize)
    for (const digest of digests) queue.add(join(directory, digest.slice(0, 2)), digest.slice(2), "file")
    queue.close()
    const work = {
      prepare: () => Result.succeed(undefined),
      load: () => queue.load,
      next: () => queue.next(),
      accept: (result: BatchResult) => Result.succeed(findings.accept(digests, result, queue)),
      threadFailure: ({ problem }: { readonly problem: string }) =>
        new ContentError({ reason: { _tag: "Io", operation: "read the objects in", path: directory, problem } })
    }
    return readAll(work, { using, inlineLimit: -1, store: undefined, claims: undefined }, threads)
  })

/** What was found of the objects that were read so far. */
class Findings {
  readonly #onProgress: FsckOptions["onProgress"]
  readonly #corrupt = new Map<string, string>()
  readonly #unreadable = new Map<string, string>()
  #objects = 0
  #size = 0

  constructor(onProgress: FsckOptions["onProgress"]) {
    this.#onProgress = onProgress
  }

  get report(): Pick<FsckReport, "objects" | "size" | "corrupt" | "unreadable"> {
    return {
      objects: this.#objects,
      size: this.#size,
      corrupt: Array.from(this.#corrupt, ([digest, actual]) => ({ digest, actual })),
      unreadable: Array.from(this.#unreadable, ([digest, problem]) => ({ digest, problem }))
    }
  }

  /** Slots are the positions in `digests`. */
  accept(digests: ReadonlyArray<string>, result: BatchResult, queue: BatchQueue): void {
    result.outcomes.forEach((found, at) => {
      const slot = result.first + at
      const size = numberAt(result.stats, at, "size")
      if (found === outcome.large) return queue.addLarge(slot, size)
      this.#objects++
      this.#size += size
      this.#judge(digests[slot] ?? "", result, at)
    })
    this.#onProgress?.({ objects: this.#objects, bytes: this.#size })
  }

  /** The files of a tree that cannot be read. */
  *affected(root: string, tree: Tree.Tree, known: ReadonlySet<string>): Generator<AffectedFile> {
    for (const { node, path } of Tree.externalFiles(tree)) {
      for (const digest of objectsOf(node)) {
        const problem = this.#problemOf(digest, known)
        if (problem !== undefined) yield { root, path, digest, problem }
      }
    }
  }

  #problemOf(digest: string, known: ReadonlySet<string>): AffectedFile["problem"] | undefined {
    return !known.has(digest)
      ? "missing"
      : this.#unreadable.has(digest)
      ? "unreadable"
      : this.#corrupt.has(digest)
      ? "corrupt"
      : undefined
  }

  #judge(digest: string, result: BatchResult, at: number): void {
    const content = result.contents.get(at)
    if (typeof content === "object" && "problem" in content) {
      this.#unreadable.set(digest, content.problem)
      return
    }
    const actual = digestText(result, at)
    if (actual !== digest) this.#corrupt.set(digest, actual)
  }
}
