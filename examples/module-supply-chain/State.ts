import * as Effect from "effect/Effect"
import { randomBytes } from "node:crypto"
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { messageOf, UnusableOption } from "./UnusableOption.ts"

/** The folder in which a run keeps what it needs again: registry, database, keys. */
export interface State {
  readonly directory: string
  readonly isKept: boolean
  /** Under which the platform seals secrets: kept beside the database, never in it. */
  readonly secretKey: string
  /** The trusted roots of earlier runs' private Sigstores, whose signatures may still wait to be verified. */
  readonly earlierTrustedRoots: ReadonlyArray<unknown>
  readonly keepTrustedRoot: (json: unknown) => Effect.Effect<void>
}

/** Opens the folder that `--state` names, or one that is removed at the end. */
export const open = (directory: string | undefined) =>
  Effect.acquireRelease(
    Effect.tryPromise({
      try: () => prepare(directory),
      catch: (cause) => new UnusableOption({ option: "--state", detail: messageOf(cause) })
    }),
    (state) => state.isKept ? Effect.void : Effect.promise(() => rm(state.directory, { recursive: true, force: true }))
  )

const prepare = async (wanted: string | undefined): Promise<State> => {
  // Short, because the path becomes part of mount options.
  const directory = wanted ?? await mkdtemp(join(tmpdir(), "lamina-"))
  const roots = join(directory, "trusted-roots")
  await mkdir(roots, { recursive: true, mode: 0o700 })
  // PostgreSQL refuses to run as root and then runs as nobody, who has to get through to its own folder.
  if (process.getuid?.() === 0) await chmod(directory, 0o711)
  const names = (await readdir(roots)).filter((name) => name.endsWith(".json")).toSorted()
  return {
    directory,
    isKept: wanted !== undefined,
    secretKey: await readOrMake(join(directory, "secret.key"), () => randomBytes(32).toString("base64")),
    earlierTrustedRoots: await Promise.all(
      names.map(async (name): Promise<unknown> => JSON.parse(await readFile(join(roots, name), "utf8")))
    ),
    keepTrustedRoot: (json) =>
      Effect.promise(() => writeFile(join(roots, `${Date.now()}.json`), JSON.stringify(json, undefined, 2)))
  }
}

const readOrMake = async (file: string, make: () => string): Promise<string> => {
  try {
    return await readFile(file, "utf8")
  } catch {
    const made = make()
    await writeFile(file, made, { mode: 0o600 })
    return made
  }
}
