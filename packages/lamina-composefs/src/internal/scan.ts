/** Trees of directories. */
import * as Image from "@lamina/composefs/Image"
import * as Node from "@lamina/composefs/Node"
import type * as ObjectStore from "@lamina/composefs/ObjectStore"
import * as Tree from "@lamina/composefs/Tree"
import * as Effect from "effect/Effect"
import { Misuse, Unusable } from "./failure.ts"
import { existingDirectory } from "./files.ts"
import type { Io } from "./io.ts"
import { counting } from "./progress.ts"
import type { SourceValues } from "./sourceOptions.ts"
import * as Xattrs from "./xattrs.ts"

/** Reads a directory as mkcomposefs does with the same options; contents go to the store, if there is one. */
export const scan = Effect.fnUntraced(function*(
  directory: string,
  values: SourceValues,
  io: Io,
  objects: ObjectStore.ObjectStore | undefined
) {
  const options = yield* optionsOf(directory, values, objects)
  return yield* counting(
    io,
    "files",
    (show) => Tree.fromDirectory(directory, { ...options, onProgress: ({ files }) => show(files) })
  )
})

/** The same straight into an image, which is quicker where no tree is needed. */
export const scanImage = Effect.fnUntraced(function*(
  directory: string,
  values: SourceValues,
  io: Io,
  objects: ObjectStore.ObjectStore | undefined,
  writeOptions: Image.WriteOptions | undefined
) {
  const options = yield* optionsOf(directory, values, objects)
  return yield* counting(
    io,
    "files",
    (show) => Image.fromDirectory(directory, { ...writeOptions, ...options, onProgress: ({ files }) => show(files) })
  )
})

const optionsOf = Effect.fnUntraced(function*(
  directory: string,
  values: SourceValues,
  objects: ObjectStore.ObjectStore | undefined
) {
  if (values["skip-xattrs"] && values["user-xattrs"]) {
    return yield* new Misuse({ problem: "--skip-xattrs and --user-xattrs exclude each other" })
  }
  yield* existingDirectory(directory)
  return {
    skipDevices: values["skip-devices"],
    mtime: values["use-epoch"] ? { exactly: Node.epoch } : undefined,
    hardLinks: values.hardlinks ? "preserve" as const : "separate" as const,
    xattrs: values["skip-xattrs"] ? undefined : yield* attributes(directory, values["user-xattrs"]),
    objects,
    threads: values.threads
  }
})

/** Refuses rather than to leave out in silence what changes the digest. */
const attributes = Effect.fnUntraced(function*(directory: string, onlyUser: boolean) {
  const byPath = yield* Xattrs.list(directory)
  if (byPath === undefined) {
    return yield* new Unusable({
      subject: directory,
      problem: "its extended attributes cannot be read, because getfattr is not installed (package attr); " +
        "--skip-xattrs leaves attributes out"
    })
  }
  const prefix = Buffer.from(directory).length
  return ({ source }: { readonly source: string | Buffer }) => {
    const path = Buffer.from(source).subarray(prefix).toString("latin1").replace(/^\/+/, "")
    const found = byPath.get(path) ?? none
    return Effect.succeed(onlyUser ? new Map(Array.from(found).filter(([name]) => name.startsWith("user."))) : found)
  }
})

const none: ReadonlyMap<string, Uint8Array> = new Map()
