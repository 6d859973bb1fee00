import * as Result from "effect/Result"
import { fileProblem } from "../files.ts"
import type { FilePath } from "../openFlags.ts"
import { TreeError } from "../treeError.ts"

const text = (source: FilePath): string => typeof source === "string" ? source : Buffer.from(source).toString()

export const unreadable = (source: FilePath, problem: string): TreeError =>
  new TreeError({ reason: { _tag: "Unreadable", path: text(source), problem } })

export const changed = (source: FilePath, problem: string): TreeError =>
  new TreeError({ reason: { _tag: "Changed", path: text(source), problem } })

export const attempt = <A>(source: FilePath, call: () => A): Result.Result<A, TreeError> =>
  Result.try({ try: call, catch: (cause) => unreadable(source, fileProblem(cause).problem) })
