/**
 * Removes objects that nobody needs, beside writers of any process.
 *
 * A writer that finds its object there only touches it, and goes on. Were that object looked at before, and removed after,
 * the writer would have stored nothing. Therefore an object is first moved away, then looked at again, and put back if
 * somebody touched it in between. Whoever comes after the move finds no object, and writes one.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { linkSync, lstatSync, mkdtempSync, readdirSync, renameSync, rmdirSync, rmSync, type Stats } from "node:fs"
import { basename, join } from "node:path"
import type { ContentError } from "../../Content.ts"
import * as Node from "../../Node.ts"
import * as Tree from "../../Tree.ts"
import { fileProblem } from "../files.ts"
import { listStore } from "./listing.ts"
import { isDigest, objectsOf, trashPrefix } from "./names.ts"
import { toError } from "./problems.ts"
import type { GcOptions, GcReport, ObjectCount } from "./reports.ts"

export const collectGarbage = Effect.fnUntraced(
  function*(directory: string, ownTemporary: string, { dryRun, grace, roots }: GcOptions) {
    const needed = neededBy(roots)
    const cutoff = (yield* Clock.currentTimeMillis) - Duration.toMillis(grace ?? defaultGrace)
    const { digests, temporaries, trash } = yield* listStore(directory)
    return yield* Effect.acquireUseRelease(
      io("collect in", directory, () => new Collector(directory, cutoff, dryRun === true)),
      Effect.fnUntraced(function*(collector) {
        for (const name of trash) yield* io("put back from", join(directory, name), () => collector.restoreFrom(name))
        for (let at = 0; at < digests.length; at += slice) {
          const some = digests.slice(at, at + slice)
          yield* io(
            "collect in",
            directory,
            () => some.forEach((digest) => collector.visit(digest, needed.has(digest)))
          )
          yield* Effect.yieldNow
        }
        const others = temporaries.filter((name) => name !== ownTemporary)
        const dead = yield* io("collect in", directory, () => others.filter((name) => collector.removeTemporary(name)))
        return { ...collector.report, temporaries: dead } satisfies GcReport
      }),
      (collector) => Effect.sync(() => collector.close())
    )
  }
)

const defaultGrace = Duration.hours(1)

/** Objects between two turns of the event loop: some milliseconds. */
const slice = 256

const neededBy = (roots: GcOptions["roots"]): ReadonlySet<string> => {
  const needed = new Set<string>()
  for (const root of roots) {
    if (typeof root === "string") needed.add(root)
    else for (const { node } of Tree.externalFiles(root)) objectsOf(node).forEach((digest) => needed.add(digest))
  }
  return needed
}

const io = <A>(operation: string, path: string, call: () => A): Effect.Effect<A, ContentError> =>
  Effect.try({ try: call, catch: (cause) => toError(operation, path)(fileProblem(cause)) })

class Collector {
  readonly #directory: string
  readonly #cutoff: number
  /** Where objects go first; none in a dry run. */
  readonly #trash: string | undefined
  readonly #removed: Array<string> = []
  readonly #counts = { kept: new Count(), young: new Count(), removed: new Count() }

  constructor(directory: string, cutoff: number, isDryRun: boolean) {
    this.#directory = directory
    this.#cutoff = cutoff
    this.#trash = isDryRun ? undefined : mkdtempSync(join(directory, trashPrefix))
  }

  get report(): Omit<GcReport, "temporaries"> {
    return { ...this.#counts, digests: this.#removed }
  }

  visit(digest: string, isNeeded: boolean): void {
    const stats = look(this.#pathOf(digest))
    if (stats === undefined) return
    if (isNeeded) this.#counts.kept.add(stats)
    else if (this.#isYoung(stats) || !this.#remove(digest)) this.#counts.young.add(stats)
    else {
      this.#counts.removed.add(stats)
      this.#removed.push(digest)
    }
  }

  /** Puts back what a collector that died, or is still at work, has moved away. That does no harm to either. */
  restoreFrom(name: string): void {
    if (this.#trash === undefined || name === basename(this.#trash)) return
    const trash = join(this.#directory, name)
    const stats = look(trash)
    for (const digest of readdirSync(trash)) if (isDigest(digest)) this.#restore(join(trash, digest), digest)
    if (stats !== undefined && !this.#isYoung(stats)) rmSync(trash, { recursive: true, force: true })
  }

  /** Whether a directory for half-written objects was left over, by its age and that of what is in it. */
  removeTemporary(name: string): boolean {
    const path = join(this.#directory, name)
    const ages = [path, ...namesIn(path).map((file) => join(path, file))].map(look)
    if (ages.some((stats) => stats === undefined || this.#isYoung(stats))) return false
    if (this.#trash !== undefined) rmSync(path, { recursive: true, force: true })
    return true
  }

  /** Should somebody have put something there again, it stays. */
  close(): void {
    try {
      if (this.#trash !== undefined) rmdirSync(this.#trash)
    } catch {
      // The next collector looks into it.
    }
  }

  #remove(digest: string): boolean {
    if (this.#trash === undefined) return true
    const away = join(this.#trash, digest)
    renameSync(this.#pathOf(digest), away)
    const stats = look(away)
    if (stats !== undefined && this.#isYoung(stats)) {
      this.#restore(away, digest)
      return false
    }
    rmSync(away, { force: true })
    return true
  }

  /** An object that was written meanwhile is as good. */
  #restore(away: string, digest: string): void {
    try {
      linkSync(away, this.#pathOf(digest))
    } catch (cause) {
      const { code } = fileProblem(cause)
      if (code === "ENOENT") return
      if (code !== "EEXIST") throw cause
    }
    rmSync(away, { force: true })
  }

  #isYoung({ mtimeMs }: Stats): boolean {
    return mtimeMs > this.#cutoff
  }

  #pathOf(digest: string): string {
    return join(this.#directory, Node.objectPath(digest))
  }
}

class Count implements ObjectCount {
  objects = 0
  size = 0

  add({ size }: Stats): void {
    this.objects++
    this.size += size
  }
}

const look = (path: string): Stats | undefined => lstatSync(path, { throwIfNoEntry: false })

const namesIn = (directory: string): ReadonlyArray<string> => {
  try {
    return readdirSync(directory)
  } catch {
    return []
  }
}
