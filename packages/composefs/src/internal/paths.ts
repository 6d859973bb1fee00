/** Rules for paths inside a tree, and what breaks them. */
import * as Schema from "effect/Schema"
import * as ByteString from "./byteString.ts"

/** NAME_MAX and PATH_MAX - 1 of Linux, in bytes. The latter also bounds the depth of every tree we build. */
export const maxNameSize = 255
export const maxPathSize = 4095

/** What can be wrong with one path of a tree. */
export const PathReason = Schema.Union([
  Schema.TaggedStruct("InvalidPath", { path: Schema.String, problem: Schema.String }),
  Schema.TaggedStruct("DuplicatePath", { path: Schema.String }),
  Schema.TaggedStruct("MissingParent", { path: Schema.String }),
  Schema.TaggedStruct("NotADirectory", { path: Schema.String, parent: Schema.String }),
  Schema.TaggedStruct("InvalidLink", { path: Schema.String, target: Schema.String, problem: Schema.String })
])

export type PathReason = typeof PathReason.Type

/** Quotes a path for a message, shortened: what is quoted may be hostile. */
export const quote = (text: string): string => JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text)

export const describe = (reason: PathReason): string => {
  switch (reason._tag) {
    case "InvalidPath":
      return `path ${quote(reason.path)}: ${reason.problem}`
    case "DuplicatePath":
      return `path ${quote(reason.path)}: appears twice`
    case "MissingParent":
      return `path ${quote(reason.path)}: its parent directory is missing; list directories before what is in them`
    case "NotADirectory":
      return `path ${quote(reason.path)}: ${quote(reason.parent)} is not a directory`
    case "InvalidLink":
      return `hard link ${quote(reason.path)} to ${quote(reason.target)}: ${reason.problem}`
  }
}

/** Why a name cannot stand in a directory, if it cannot. */
export const nameProblem = (name: string): string | undefined => {
  if (name === "") return "a name is empty"
  if (name === "." || name === "..") return `the name ${name} is reserved`
  if (name.includes("/")) return "a name contains a slash"
  if (name.includes("\0")) return "a name contains a NUL byte"
  const size = ByteString.fromText(name).length
  return size > maxNameSize ? `a name has ${size} bytes, at most ${maxNameSize} are allowed` : undefined
}

/** Why a path is too long to be read again, if it is; mkcomposefs takes such, but composefs-rs and a kernel do not. */
export const pathProblem = (path: string): string | undefined =>
  path.length > maxPathSize / 4 && ByteString.fromText(path).length > maxPathSize ? longPathProblem : undefined

export const longPathProblem = `a path has at most ${maxPathSize} bytes`

/** Joins a directory's path and a name. */
export const join = (directory: string, name: string): string => directory === "/" ? `/${name}` : `${directory}/${name}`

/** The directory part of an absolute path other than "/". */
export const parentOf = (path: string): string => path.slice(0, Math.max(1, path.lastIndexOf("/")))

export const baseName = (path: string): string => path.slice(path.lastIndexOf("/") + 1)
