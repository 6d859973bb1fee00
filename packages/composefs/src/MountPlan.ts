/**
 * The commands that mount composefs images: an EROFS mount for names and metadata, and an overlay on it which takes
 * contents from the object store (a data-only lower layer). Nothing is run here; a plan is data.
 *
 * A stack of images needs one such overlay per image and one more on top of them. Handing all images to a single
 * overlay looks simpler and shows files of every image, but not their whiteouts and opaque directories: an image
 * stores these escaped by one level, so that only an overlay *above* its own mount acts on them. Overlays nest two
 * deep at most, and this is two.
 *
 * Images must be of format version 1 where they have whiteouts ({@link Image.write} sees to it): kernels from 6.8 on
 * look for its mark.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

/**
 * Why no plan can be made.
 *
 * @category errors
 * @since 0.1.0
 */
export class MountPlanError extends Schema.TaggedError<MountPlanError>("@lamina/composefs/MountPlanError")(
  "MountPlanError",
  {
    reason: Schema.Union([
      Schema.TaggedStruct("InvalidPath", { field: Schema.String, path: Schema.String }),
      Schema.TaggedStruct("TooManyLayers", { layers: Schema.Finite, limit: Schema.Finite }),
      Schema.TaggedStruct("NoLayers", {})
    ])
  }
) {
  override get message(): string {
    const reason = this.reason
    switch (reason._tag) {
      case "InvalidPath":
        return `${reason.field}: expected an absolute path without \`..\`, commas, colons, backslashes, quotes, blanks or ` +
          `control characters, which mount options cannot carry, got ${JSON.stringify(reason.path.slice(0, 200))}`
      case "TooManyLayers":
        return `${reason.layers} layers: mount options hold about ${reason.limit} with paths this long; shorten workDirectory`
      case "NoLayers":
        return "a stack needs at least one image"
    }
  }
}

/**
 * Whether the kernel checks every file it opens against the digest in the image. `require` needs fs-verity enabled on
 * every object, and refuses any other; `off` trusts the object store.
 *
 * @category models
 * @since 0.1.0
 */
export type Verity = "require" | "off"

/**
 * One command: a program and its arguments, to be run without a shell.
 *
 * @category models
 * @since 0.1.0
 */
export type Command = readonly [program: string, ...arguments: ReadonlyArray<string>]

/**
 * Commands to mount and to unmount, each list in order.
 *
 * @category models
 * @since 0.1.0
 */
export interface MountPlan {
  readonly mount: ReadonlyArray<Command>
  readonly unmount: ReadonlyArray<Command>
}

/**
 * What to mount where. All paths are absolute.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** Image files from the bottom layer to the top. */
  readonly images: ReadonlyArray<string>
  /** Object store that has the contents of all images. */
  readonly objects: string
  /** Where the files shall appear. */
  readonly target: string
  /** A directory for the mounts in between, such as `/run/lamina/mounts`. Short: its path is in every mount option. */
  readonly workDirectory: string
  readonly verity: Verity
}

/**
 * Plans the mount of a stack of images.
 *
 * **Example**
 *
 * ```ts
 * import { MountPlan } from "@lamina/composefs"
 * import * as Result from "effect/Result"
 *
 * const plan = MountPlan.make({
 *   images: ["/var/lib/lamina/base.cfs", "/var/lib/lamina/redis.cfs"],
 *   objects: "/var/lib/lamina/objects",
 *   target: "/sysroot",
 *   workDirectory: "/run/lamina",
 *   verity: "require"
 * })
 * console.log(Result.isSuccess(plan) ? MountPlan.toShell(plan.success.mount) : plan.failure.message)
 * ```
 *
 * @category planning
 * @since 0.1.0
 */
export const make = (options: Options): Result.Result<MountPlan, MountPlanError> =>
  Result.gen(function*() {
    const { images, objects, target, verity, workDirectory } = options
    if (images.length === 0) return yield* Result.fail(new MountPlanError({ reason: { _tag: "NoLayers" } }))
    yield* checkPath("objects", objects)
    yield* checkPath("target", target)
    yield* checkPath("workDirectory", workDirectory)
    for (const [index, image] of images.entries()) yield* checkPath(`images[${index}]`, image)

    const isStack = images.length > 1
    const layers = images.map((image, index) => ({
      image,
      metadata: `${workDirectory}/${index}/metadata`,
      files: isStack ? `${workDirectory}/${index}/files` : target
    }))
    const mount = layers.flatMap((layer) => mountImage(layer, objects, verity))
    const mountPoints = layers.flatMap(({ files, metadata }) => [metadata, files])
    if (isStack) {
      const options = mergeOptions(layers.map(({ files }) => files))
      yield* checkLength(options, layers.length)
      mount.push(makeDirectory(target), ["mount", "-t", "overlay", "lamina", "-o", options, target])
      mountPoints.push(target)
    }
    return { mount, unmount: mountPoints.reverse().map((point): Command => ["umount", point]) }
  })

/**
 * Renders commands as lines for a POSIX shell.
 *
 * @category rendering
 * @since 0.1.0
 */
export const toShell = (commands: ReadonlyArray<Command>): string =>
  commands.map((command) => command.map(shellWord).join(" ") + "\n").join("")

const mountImage = (
  { files, image, metadata }: { readonly image: string; readonly metadata: string; readonly files: string },
  objects: string,
  verity: Verity
): Array<Command> => [
  makeDirectory(metadata),
  // Through a loop device: some kernels count an EROFS mount straight from a file as one more level of nesting.
  ["mount", "-t", "erofs", "-o", "ro,loop", image, metadata],
  makeDirectory(files),
  ["mount", "-t", "overlay", "composefs", "-o", imageOptions(metadata, objects, verity), files]
]

const imageOptions = (metadata: string, objects: string, verity: Verity): string => {
  const joined = `${metadata}::${objects}`
  const layers = joined.length <= maxOptionSize ? `lowerdir=${joined}` : `lowerdir+=${metadata},datadir+=${objects}`
  return `ro,metacopy=on,redirect_dir=on${verity === "require" ? ",verity=require" : ""},${layers}`
}

/** The topmost layer comes first. */
const mergeOptions = (bottomToTop: ReadonlyArray<string>): string => {
  const topToBottom = bottomToTop.toReversed()
  const joined = topToBottom.join(":")
  return joined.length <= maxOptionSize
    ? `ro,lowerdir=${joined}`
    : `ro,${topToBottom.map((path) => `lowerdir+=${path}`).join(",")}`
}

/** The mount API takes no longer value; kernels from 6.8 on take layers one by one instead. */
const maxOptionSize = 255
/** One page for all options of mount(2), less its end. */
const maxOptionsSize = 4095

const checkLength = (options: string, layers: number): Result.Result<void, MountPlanError> =>
  options.length <= maxOptionsSize
    ? Result.succeed(undefined)
    : Result.fail(
      new MountPlanError({
        reason: { _tag: "TooManyLayers", layers, limit: Math.floor(maxOptionsSize / (options.length / layers)) }
      })
    )

const makeDirectory = (path: string): Command => ["mkdir", "-p", path]

const unsafe = /[,:\\"'`\s\p{Cc}]/u

const checkPath = (field: string, path: string): Result.Result<void, MountPlanError> =>
  path.startsWith("/") && !unsafe.test(path) && !path.split("/").includes("..")
    ? Result.succeed(undefined)
    : Result.fail(new MountPlanError({ reason: { _tag: "InvalidPath", field, path } }))

const shellWord = (word: string): string => /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
