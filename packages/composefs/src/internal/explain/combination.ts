/** What a digest may depend on besides the files: the dimensions of the search. */

/**
 * One way to make a digest of a tree. The first value of each part is the ordinary one: the tree as it is, in the format
 * that mkcomposefs chooses.
 *
 * @category models
 * @since 0.1.0
 */
export interface Combination {
  /** The format version: what mkcomposefs chooses between 0 and 1, or exactly one, as {@link Image.WriteOptions} has it. */
  readonly format: "0..1" | "1" | "0" | "2"
  /** fs-verity of the image, or a plain hash of its bytes, which is sometimes taken for it. */
  readonly measure: "fs-verity" | "plain hash"
  /** Which extended attributes are kept. */
  readonly xattrs:
    | "all"
    | "none"
    | "user"
    | "security.capability"
    | "security.capability and user"
    | "without security.selinux"
    | "without trusted"
    | "without overlay"
  /** What becomes of all times. */
  readonly mtimes: "as is" | "epoch" | "whole seconds" | "at most SOURCE_DATE_EPOCH" | "SOURCE_DATE_EPOCH"
  /** What becomes of the times of directories, which whoever unpacks a tree sets anew. */
  readonly directoryMtimes: "as is" | "epoch" | "epoch unless whole seconds" | "newest below"
  /** What becomes of names that share an inode, and of link counts. */
  readonly hardLinks: "as is" | "separate" | "counted" | "first name" | "uncounted"
  /** Where the root directory has its metadata from. */
  readonly root: "as is" | "of /usr" | "default"
  /** Which directories lose their entries and take the time of /usr. */
  readonly emptied:
    | "nothing"
    | "/run"
    | "/boot and /sysroot"
    | "/run, /boot and /sysroot"
    | "/run, /boot and /sysroot, own nanoseconds"
  readonly owners: "as is" | "root"
  readonly devices: "kept" | "skipped"
  /** Up to which size, in bytes, contents are in the image. */
  readonly inline: "as is" | "0" | "64" | "512"
  /** By which hash contents are known. */
  readonly objects: "as is" | "sha256" | "sha512"
}

/**
 * The parts of a combination.
 *
 * @category models
 * @since 0.1.0
 */
export type Dimension = keyof Combination

/** The dimensions that change the tree, not how it is written or measured. */
export type TreeDimension = Exclude<Dimension, "format" | "measure">

export const asIs: Combination = {
  format: "0..1",
  measure: "fs-verity",
  xattrs: "all",
  mtimes: "as is",
  directoryMtimes: "as is",
  hardLinks: "as is",
  root: "as is",
  emptied: "nothing",
  owners: "as is",
  devices: "kept",
  inline: "as is",
  objects: "as is"
}

interface Choice<Name extends Dimension> {
  readonly dimension: Name
  readonly value: Combination[Name]
  /** In words that follow "with". */
  readonly meaning: string
  /** Options of the usual tools that do the same. */
  readonly flags: ReadonlyArray<string>
}

/**
 * One deviation from a tree as it is, what it means, and which options of the usual tools cause it.
 *
 * @category models
 * @since 0.1.0
 */
export type Deviation = { readonly [Name in Dimension]: Choice<Name> }[Dimension]

/** Every deviation, the most likely cause of a mismatch first. */
export const deviations: ReadonlyArray<Deviation> = [
  {
    dimension: "format",
    value: "1",
    meaning: "format version 1 even without whiteouts",
    flags: ["mkcomposefs --min-version=1", "cfsctl --erofs-version=1"]
  },
  {
    dimension: "format",
    value: "0",
    meaning: "format version 0 even for whiteouts",
    flags: ["mkcomposefs --max-version=0", "mkcomposefs of composefs-rs", "cfsctl --erofs-version=0"]
  },
  {
    dimension: "format",
    value: "2",
    meaning: "format version 2, the legacy layout of composefs-rs",
    flags: ["cfsctl --erofs-version=2"]
  },
  {
    dimension: "measure",
    value: "plain hash",
    meaning: "the image hashed as a plain file, which is no fs-verity digest",
    flags: ["sha256sum IMAGE", "sha512sum IMAGE"]
  },
  {
    dimension: "xattrs",
    value: "none",
    meaning: "no extended attributes",
    flags: ["mkcomposefs --skip-xattrs"]
  },
  {
    dimension: "xattrs",
    value: "user",
    meaning: "only user.* attributes",
    flags: ["mkcomposefs --user-xattrs"]
  },
  {
    dimension: "xattrs",
    value: "security.capability",
    meaning: "only the attribute security.capability",
    flags: ["cfsctl compute-id --xattrs=allowlist-only"]
  },
  {
    dimension: "xattrs",
    value: "security.capability and user",
    meaning: "only the attributes security.capability and user.*",
    flags: ["cfsctl compute-id --xattrs=keep-user-xattrs"]
  },
  {
    dimension: "xattrs",
    value: "without security.selinux",
    meaning: "no SELinux labels (read where SELinux was off, or from layers that never carry them)",
    flags: []
  },
  {
    dimension: "xattrs",
    value: "without trusted",
    meaning: "no trusted.* attributes (only root can read them)",
    flags: []
  },
  {
    dimension: "xattrs",
    value: "without overlay",
    meaning: "no trusted.overlay.* and user.overlay.* attributes (read through an overlay mount, which hides them)",
    flags: []
  },
  { dimension: "mtimes", value: "epoch", meaning: "all times at 1970", flags: ["mkcomposefs --use-epoch"] },
  {
    dimension: "mtimes",
    value: "whole seconds",
    meaning: "times without nanoseconds (as a tar without PAX times has them)",
    flags: []
  },
  {
    dimension: "mtimes",
    value: "at most SOURCE_DATE_EPOCH",
    meaning: "times no later than the given SOURCE_DATE_EPOCH",
    flags: []
  },
  { dimension: "mtimes", value: "SOURCE_DATE_EPOCH", meaning: "all times at the given SOURCE_DATE_EPOCH", flags: [] },
  {
    dimension: "directoryMtimes",
    value: "epoch",
    meaning: "the times of directories at 1970 (layers do not always list directories)",
    flags: []
  },
  {
    dimension: "directoryMtimes",
    value: "epoch unless whole seconds",
    meaning: "the times of directories at 1970 where they have nanoseconds (set by unpacking, not by a layer)",
    flags: []
  },
  {
    dimension: "directoryMtimes",
    value: "newest below",
    meaning: "each directory as new as the newest file in it",
    flags: []
  },
  {
    dimension: "hardLinks",
    value: "separate",
    meaning: "hard links as files of their own",
    flags: ["mkcomposefs DIRECTORY, which knows no hard links"]
  },
  {
    dimension: "hardLinks",
    value: "counted",
    meaning: "link counts that are the number of names in the tree",
    flags: []
  },
  {
    dimension: "hardLinks",
    value: "first name",
    meaning: "inodes at the first of their names, with link counts that are the number of names in the tree",
    flags: ["mkcomposefs --hardlinks of composefs-rs", "cfsctl"]
  },
  { dimension: "hardLinks", value: "uncounted", meaning: "hard links with link counts of 1", flags: [] },
  {
    dimension: "root",
    value: "of /usr",
    meaning: "owner, mode, time and attributes of the root copied from /usr",
    flags: ["cfsctl compute-id without --no-propagate-usr-to-root"]
  },
  {
    dimension: "root",
    value: "default",
    meaning: "a root directory of mode 0755, owner 0:0, time 1970 and no attributes",
    flags: []
  },
  { dimension: "emptied", value: "/run", meaning: "/run empty", flags: ["cfsctl compute-id"] },
  {
    dimension: "emptied",
    value: "/run, /boot and /sysroot",
    meaning: "/run, /boot and /sysroot empty",
    flags: ["cfsctl compute-id --bootable"]
  },
  {
    dimension: "emptied",
    value: "/run, /boot and /sysroot, own nanoseconds",
    meaning: "/run, /boot and /sysroot empty, the latter two with their own nanoseconds",
    flags: ["cfsctl compute-id --bootable of an older composefs-rs"]
  },
  {
    dimension: "emptied",
    value: "/boot and /sysroot",
    meaning: "/boot and /sysroot empty",
    flags: ["cfsctl compute-id --bootable --no-propagate-usr-to-root"]
  },
  { dimension: "devices", value: "skipped", meaning: "no devices", flags: ["mkcomposefs --skip-devices"] },
  { dimension: "owners", value: "root", meaning: "everything owned by 0:0", flags: [] },
  { dimension: "inline", value: "0", meaning: "no contents in the image", flags: [] },
  { dimension: "inline", value: "64", meaning: "contents of up to 64 bytes in the image", flags: [] },
  { dimension: "inline", value: "512", meaning: "contents of up to 512 bytes in the image", flags: [] },
  {
    dimension: "objects",
    value: "sha512",
    meaning: "contents known by SHA-512",
    flags: ["cfsctl --hash sha512"]
  },
  {
    dimension: "objects",
    value: "sha256",
    meaning: "contents known by SHA-256",
    flags: ["mkcomposefs", "cfsctl --hash sha256"]
  }
]

/** What cfsctl leaves of attributes and empties, with and without its options; the root is always like /usr. */
const ofCfsctl: ReadonlyArray<Partial<Combination>> = [
  { xattrs: "security.capability", emptied: "/run" },
  { xattrs: "security.capability and user", emptied: "/run" },
  { xattrs: "security.capability", emptied: "/run, /boot and /sysroot" },
  { xattrs: "security.capability and user", emptied: "/run, /boot and /sysroot" },
  { xattrs: "security.capability", emptied: "/run, /boot and /sysroot, own nanoseconds" },
  { xattrs: "security.capability", emptied: "/run", mtimes: "whole seconds" },
  { xattrs: "security.capability", emptied: "/run, /boot and /sysroot", mtimes: "whole seconds" }
]

/**
 * What whole tools do, several deviations at a time. Each is tried in every format and with every hash. cfsctl also gives
 * inodes to their first names; who follows its rules may not.
 */
export const recipes: ReadonlyArray<Partial<Combination>> = [
  ...ofCfsctl.flatMap((recipe): ReadonlyArray<Partial<Combination>> => [
    { ...recipe, root: "of /usr", hardLinks: "first name" },
    { ...recipe, root: "of /usr" }
  ]),
  { xattrs: "none", mtimes: "epoch", hardLinks: "separate" },
  { xattrs: "none", mtimes: "epoch", hardLinks: "separate", devices: "skipped" },
  { xattrs: "none", hardLinks: "separate" }
]

/** How a tree is changed, one dimension after the other: first which names there are, last what each inode says. */
export const order: ReadonlyArray<TreeDimension> = [
  "emptied",
  "devices",
  "hardLinks",
  "objects",
  "inline",
  "root",
  "xattrs",
  "owners",
  "directoryMtimes",
  "mtimes"
]
