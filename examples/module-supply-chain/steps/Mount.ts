import type { MountPlan } from "@lamina/composefs"
import * as Effect from "effect/Effect"
import { execFile } from "node:child_process"
import { readFile } from "node:fs/promises"
import { join } from "node:path"

/** What was read through the mount, or why nothing was mounted. */
export type Seen =
  | { readonly kind: "read"; readonly path: string; readonly content: string }
  | { readonly kind: "notMounted"; readonly why: string }

/** Why nothing can be mounted here. */
export const whyNot = (path: string | undefined): string | undefined => {
  if (process.platform !== "linux") return `${process.platform} has no erofs`
  if (process.getuid?.() !== 0) return "only root may mount"
  return path === undefined ? "the module has no file to read" : undefined
}

/** As root on Linux: mounts, reads a file through the mount, and unmounts whatever happened. */
export const readThrough = Effect.fnUntraced(
  function*(plan: MountPlan.MountPlan, root: string, path: string | undefined): Effect.fn.Return<Seen> {
    const why = whyNot(path)
    if (why !== undefined || path === undefined) return { kind: "notMounted", why: why ?? "" }
    return yield* Effect.acquireUseRelease(
      runAll(plan.mount),
      (failure) =>
        failure === undefined
          ? Effect.match(Effect.tryPromise(() => readFile(join(root, path), "utf8")), {
            onSuccess: (content): Seen => ({ kind: "read", path, content }),
            onFailure: (error): Seen => ({ kind: "notMounted", why: String(error.cause) })
          })
          : Effect.succeed({ kind: "notMounted" as const, why: failure }),
      () => Effect.forEach(plan.unmount, run, { discard: true })
    )
  }
)

/** Runs commands until one fails, and says how it did. */
const runAll = Effect.fnUntraced(function*(commands: ReadonlyArray<MountPlan.Command>) {
  for (const command of commands) {
    const failure = yield* run(command)
    if (failure !== undefined) return failure
  }
  return undefined
})

const run = ([program, ...args]: MountPlan.Command): Effect.Effect<string | undefined> =>
  Effect.callback((resume) => {
    execFile(program, args, { timeout: 30_000 }, (error, _stdout, stderr) =>
      resume(Effect.succeed(error === null ? undefined : `${program}: ${stderr.trim() || error.message}`)))
  })
