/** Options about sources: what of a directory counts, and what the layers of an OCI image mean. */
import { choice, flag, integer, text, type Values } from "./options.ts"

export const sourceOptions = {
  "use-epoch": flag("Make all times of a directory's files zero"),
  "skip-devices": flag("Leave device nodes of a directory out"),
  "skip-xattrs": flag("Leave extended attributes of a directory's files out"),
  "user-xattrs": flag("Only take attributes of a directory's files whose names start with user."),
  hardlinks: flag("Keep hard links of a directory; without it they become files of their own, as with mkcomposefs"),
  flatten: choice(
    ["oci", "composefs-rs", "composefs-rs-user-xattrs", "composefs-rs-boot"],
    "By whose rules the layers of an OCI image become one tree (default oci)"
  ),
  platform: text("OS/ARCH[/VARIANT]", "Which image of an index (default linux and this machine's architecture)"),
  threads: integer("N", "How many threads read and hash files (default one per core)", { least: 1, most: 1024 }),
  "plain-http": flag("Speak http to the registry; it must be on this machine")
}

export type SourceValues = Values<typeof sourceOptions>
