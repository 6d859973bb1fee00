/** The options of mkcomposefs that say what of a directory counts. */
import { flag, type Values } from "./options.ts"

export const directoryOptions = {
  "use-epoch": flag("Make all times of a directory's files zero"),
  "skip-devices": flag("Leave device nodes of a directory out"),
  "skip-xattrs": flag("Leave extended attributes of a directory's files out"),
  "user-xattrs": flag("Only take attributes of a directory's files whose names start with user."),
  hardlinks: flag("Keep hard links of a directory; without it they become files of their own, as with mkcomposefs")
}

export type DirectoryValues = Values<typeof directoryOptions>
