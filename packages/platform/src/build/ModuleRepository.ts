/**
 * A module's repository on disk: `manifest.yaml`, `rootfs/`, a `Containerfile`, a workflow.
 *
 * @since 0.1.0
 */
import { Manifest, type ManifestIssue } from "@lamina/core"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { constants, existsSync, statSync } from "node:fs"
import { type FileHandle, lstat, open } from "node:fs/promises"
import { join } from "node:path"

/**
 * What is odd about the layout of a repository. An `error` keeps it from being built, a `warning` does not.
 *
 * @category models
 * @since 0.1.0
 */
export interface LayoutIssue {
  readonly code: "missing_file" | "wrong_kind"
  readonly severity: "error" | "warning"
  /** Relative to the repository. */
  readonly path: string
  readonly message: string
}

/**
 * A repository as it was read.
 *
 * @category models
 * @since 0.1.0
 */
export interface ModuleRepository {
  readonly directory: string
  readonly rootfs: string
  readonly manifest: Result.Result<Manifest.ParsedManifest, Manifest.ManifestError>
  readonly layoutIssues: ReadonlyArray<LayoutIssue>
}

/**
 * A repository cannot be read at all.
 *
 * @category errors
 * @since 0.1.0
 */
export class UnreadableRepository
  extends Schema.TaggedError<UnreadableRepository>("@lamina/platform/build/UnreadableRepository")(
    "UnreadableRepository",
    { directory: Schema.String, detail: Schema.String }
  )
{
  override get message(): string {
    return `cannot read the module repository ${this.directory}: ${this.detail}`
  }
}

/**
 * Reads a repository: its manifest with all issues, and whether everything that belongs into it is there.
 *
 * @category constructors
 * @since 0.1.0
 */
export const read = Effect.fn("ModuleRepository.read")(
  function*(directory: string): Effect.fn.Return<ModuleRepository, UnreadableRepository> {
    const text = yield* readManifest(directory)
    const issues = yield* Effect.forEach(expected, (entry) => checkEntry(directory, entry))
    return {
      directory,
      rootfs: join(directory, "rootfs"),
      manifest: Manifest.parse(text),
      layoutIssues: issues.filter((issue) => issue !== undefined)
    }
  }
)

interface ExpectedEntry {
  readonly path: string
  readonly kind: "file" | "directory"
  readonly severity: "error" | "warning"
  readonly why: string
}

const expected: ReadonlyArray<ExpectedEntry> = [
  { path: "rootfs", kind: "directory", severity: "error", why: "the files of the module are taken from there" },
  {
    path: "Containerfile",
    kind: "file",
    severity: "warning",
    why: "CI makes the file system with the packages from it"
  },
  { path: ".gitea/workflows/build.yaml", kind: "file", severity: "warning", why: "a tag is built by it" }
]

const checkEntry = Effect.fnUntraced(
  function*(
    directory: string,
    { kind, path, severity, why }: ExpectedEntry
  ): Effect.fn.Return<LayoutIssue | undefined> {
    const stats = yield* Effect.option(Effect.tryPromise(() => lstat(join(directory, path))))
    if (stats._tag === "None") {
      return { code: "missing_file", severity, path, message: `expected a ${kind} ${path}: ${why}` }
    }
    const isRight = kind === "directory" ? stats.value.isDirectory() : stats.value.isFile()
    return isRight
      ? undefined
      : { code: "wrong_kind", severity, path, message: `expected ${path} to be a ${kind}: ${why}` }
  }
)

// Links are not followed and pipes not waited for, because whoever writes a repository would choose what is read.
const openFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

const readManifest = (directory: string): Effect.Effect<Uint8Array, UnreadableRepository> =>
  Effect.acquireUseRelease(
    attempt(directory, () => open(join(directory, "manifest.yaml"), openFlags)),
    (file) => attempt(directory, () => readBounded(file)),
    (file) => Effect.promise(() => file.close())
  )

// One byte more than a manifest may have, so that its parser sees that it is too large.
const readBounded = async (file: FileHandle): Promise<Uint8Array> => {
  if (!(await file.stat()).isFile()) throw new Error("manifest.yaml: expected a regular file")
  const buffer = new Uint8Array(Manifest.maximumBytes + 1)
  let filled = 0
  for (let count = -1; count !== 0 && filled < buffer.byteLength; filled += count) {
    count = (await file.read(buffer, filled, buffer.byteLength - filled, filled)).bytesRead
  }
  return buffer.subarray(0, filled)
}

const attempt = <A>(directory: string, call: () => Promise<A>): Effect.Effect<A, UnreadableRepository> =>
  Effect.tryPromise({
    try: call,
    catch: (cause) => new UnreadableRepository({ directory, detail: detailOf(directory, cause) })
  })

const detailOf = (directory: string, cause: unknown): string => {
  if (!existsSync(directory)) return "there is no such directory"
  if (!statSync(directory).isDirectory()) return "it is no directory; name the one that holds manifest.yaml"
  if (!existsSync(join(directory, "manifest.yaml"))) return "it has no manifest.yaml, which says what a module is"
  return cause instanceof Error ? cause.message : String(cause)
}

/**
 * Everything that was found in the manifest, warnings too.
 *
 * @category getters
 * @since 0.1.0
 */
export const manifestIssues = ({ manifest }: ModuleRepository): ReadonlyArray<ManifestIssue.ManifestIssue> =>
  Result.isSuccess(manifest) ? manifest.success.warnings : manifest.failure.issues

/**
 * What keeps a repository from being built, manifest and layout, in words.
 *
 * @category getters
 * @since 0.1.0
 */
export const errors = (repository: ModuleRepository): ReadonlyArray<string> => [
  ...manifestIssues(repository).filter(({ severity }) => severity === "error").map((issue) =>
    `manifest.yaml:${issue.line}:${issue.column}: ${issue.message}`
  ),
  ...repository.layoutIssues.filter(({ severity }) => severity === "error").map(({ message }) => message)
]
