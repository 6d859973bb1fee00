/**
 * The composefs-dump(5) text format: one inode per line, parents before what is in them.
 *
 * What is read and refused follows mkcomposefs, save inputs on which it computes nonsense: a DIGEST of the wrong length,
 * a negative SIZE, numbers of more than 64 bits, and a GID or RDEV that is no number are errors here. Beyond that, a path
 * has at most 4095 bytes, a line 256 KiB and a dump 2 GiB; and a DIGEST may be of sha512.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { constants } from "node:buffer"
import * as ByteString from "./internal/byteString.ts"
import { escape, escapeOptional, escapeXattr } from "./internal/dump/escape.ts"
import { DumpParser, readDump } from "./internal/dump/parser.ts"
import { LineReason } from "./internal/dump/reason.ts"
import { modeOf } from "./internal/fileType.ts"
import { resolverOf } from "./internal/links.ts"
import { describe, quote } from "./internal/paths.ts"
import { toTree } from "./internal/table/toTree.ts"
import * as Node from "./Node.ts"
import * as Tree from "./Tree.ts"

/**
 * Why a dump was refused, and where: line and column count from 1, the column in bytes.
 *
 * @category errors
 * @since 0.1.0
 */
export class DumpError extends Schema.TaggedError<DumpError>("@lamina/composefs/DumpError")("DumpError", {
  line: Schema.Finite,
  column: Schema.Finite,
  reason: LineReason
}) {
  override get message(): string {
    return `dump line ${this.line}, column ${this.column}: ${this.#detail}`
  }

  get #detail(): string {
    const reason = this.reason
    switch (reason._tag) {
      case "InvalidField":
        return `${reason.field}: expected ${reason.expected}, got ${quote(reason.actual)}`
      case "LimitExceeded":
        return reason.problem
      default:
        return describe(reason)
    }
  }
}

/**
 * A dump has more characters than may be.
 *
 * @category errors
 * @since 0.1.0
 */
export class DumpSizeError
  extends Schema.TaggedError<DumpSizeError>("@lamina/composefs/DumpSizeError")("DumpSizeError", {
    limit: Schema.Finite
  })
{
  override get message(): string {
    return `the dump has more than ${this.limit} characters; print it in parts, with Dump.printChunks`
  }
}

/**
 * How a dump is read.
 *
 * @category models
 * @since 0.1.0
 */
export interface ParseOptions {
  /**
   * Also refuses what mkcomposefs refuses in its strict mode: a last line without a newline, a device number on
   * anything but a device, and a symbolic link whose SIZE is not the length of its target. Default false.
   */
  readonly strict?: boolean | undefined
}

/**
 * Reads a dump in memory.
 *
 * **Example**
 *
 * ```ts
 * import { Dump } from "@lamina/composefs"
 *
 * const tree = Dump.parse("/ 0 40755 2 0 0 0 0.0 - - -\n/motd 6 100644 1 0 0 0 0.0 - hello\\n -\n")
 * ```
 *
 * @category parsing
 * @since 0.1.0
 */
export const parse = (dump: string | Uint8Array, options?: ParseOptions): Result.Result<Tree.Tree, DumpError> => {
  return Result.mapBoth(readDump(dump, options?.strict ?? false), {
    onSuccess: ({ table }) => toTree(table),
    onFailure: (problem) => new DumpError(problem)
  })
}

/**
 * Reads a dump from a stream whose chunks may end anywhere.
 *
 * @category parsing
 * @since 0.1.0
 */
export const parseStream = <E, R>(
  stream: Stream.Stream<Uint8Array, E, R>,
  options?: ParseOptions
): Effect.Effect<Tree.Tree, DumpError | E, R> =>
  Effect.suspend(() => {
    const parser = new DumpParser(options?.strict ?? false, 0)
    return Effect.andThen(
      Stream.runForEach(stream, (chunk) =>
        Effect.suspend(() => {
          const problem = parser.push(chunk)
          return problem === undefined ? Effect.void : Effect.fail(new DumpError(problem))
        })),
      Effect.suspend(() =>
        Effect.fromResult(Result.mapBoth(parser.finish(), {
          onSuccess: ({ table }) => toTree(table),
          onFailure: (problem) => new DumpError(problem)
        }))
      )
    )
  })

/**
 * Prints a tree, depth first with names in byte order. The same tree always gives the same text, in plain ASCII.
 *
 * Throws a {@link DumpSizeError} where no string could hold the text, at 512 MiB: who prints trees of any size takes
 * {@link printWithin} or {@link printChunks}.
 *
 * @category printing
 * @since 0.1.0
 */
export const print = (tree: Tree.Tree): string => Result.getOrThrow(printWithin(tree))

/**
 * Prints a tree as {@link print} does, if the text has no more characters than allowed (default: than a string can hold).
 *
 * @category printing
 * @since 0.1.0
 */
export const printWithin = (
  tree: Tree.Tree,
  limit: number = constants.MAX_STRING_LENGTH
): Result.Result<string, DumpSizeError> => {
  let text = ""
  for (const line of printLines(tree)) {
    if (text.length + line.length > limit) return Result.fail(new DumpSizeError({ limit }))
    text += line
  }
  return Result.succeed(text)
}

/**
 * Prints a tree in chunks of about 64 KiB: there is no limit to a dump, and no need to hold it in memory. As a stream, it
 * is `Stream.fromIterable(Dump.printChunks(tree))`.
 *
 * @category printing
 * @since 0.1.0
 */
export function* printChunks(tree: Tree.Tree): Generator<Uint8Array> {
  let text = ""
  for (const line of printLines(tree)) {
    text += line
    if (text.length < chunkSize) continue
    yield Buffer.from(text, "latin1")
    text = ""
  }
  if (text !== "") yield Buffer.from(text, "latin1")
}

const chunkSize = 1 << 16

/**
 * Prints a tree line by line, each with its newline.
 *
 * @category printing
 * @since 0.1.0
 */
export function* printLines(tree: Tree.Tree): Generator<string> {
  const resolver = resolverOf(tree.root)
  for (const { path, node } of Tree.walk(tree)) {
    if (node._tag !== "HardLink") {
      yield printInode(path, node)
      continue
    }
    const target = resolver.resolve(node.target)
    // A tree made by hand may hold a link to nowhere: there is no line for that.
    if (target._tag === "Found") yield printHardLink(path, node, target.node)
  }
}

const printHardLink = (path: string, link: Node.HardLink, inode: Node.Inode): string => {
  const target = escapeOptional(ByteString.fromText(link.target))
  // A dump may have a link to a directory, as long as it does not say so.
  const shown = inode._tag === "Directory" ? Node.inlineFile("", inode) : inode
  return `${printStat(path, shown, "@")} ${target} - -\n`
}

const printInode = (path: string, inode: Node.Inode): string =>
  `${printStat(path, inode, "")} ${printData(inode)}${printXattrs(inode.xattrs)}\n`

const printStat = (path: string, inode: Node.Inode, marker: string): string => {
  const { uid, gid, mtime } = inode
  const mode = `${marker}${modeOf(inode).toString(8)}`
  const rdev = "rdev" in inode ? inode.rdev : 0
  return `${escape(ByteString.fromText(path))} ${sizeOf(inode)} ${mode} ${linkCount(inode)} ${uid} ${gid} ${rdev} ` +
    `${mtime.seconds}.${mtime.nanoseconds}`
}

const sizeOf = (inode: Node.Inode): number => {
  switch (inode._tag) {
    case "Directory":
      return 0
    case "InlineFile":
      return inode.content.length
    case "Symlink":
      return ByteString.fromText(inode.target).length
    default:
      return inode.size
  }
}

const linkCount = (inode: Node.Inode): number => {
  if (inode._tag !== "Directory") return inode.nlink
  let count = 2
  for (const node of inode.entries.values()) if (node._tag === "Directory") count++
  return count
}

/** PAYLOAD CONTENT DIGEST. */
const printData = (inode: Node.Inode): string => {
  switch (inode._tag) {
    case "InlineFile":
      return inode.content.length === 0 ? "- - -" : `- ${escapeOptional(ByteString.fromBytes(inode.content))} -`
    case "ExternalFile": {
      const payload = inode.payload === undefined ? "-" : escapeOptional(ByteString.fromText(inode.payload))
      return `${payload} - ${inode.digest ?? "-"}`
    }
    case "Symlink":
      return `${escapeOptional(ByteString.fromText(inode.target))} - -`
    default:
      return "- - -"
  }
}

const printXattrs = (xattrs: ReadonlyMap<string, Uint8Array>): string => {
  if (xattrs.size === 0) return ""
  const names = Array.from(xattrs.keys(), (name) => [ByteString.fromText(name), name] as const)
  names.sort(([left], [right]) => ByteString.compare(left, right))
  let text = ""
  for (const [bytes, name] of names) {
    const value = xattrs.get(name) ?? new Uint8Array(0)
    text += ` ${escapeXattr(bytes)}=${escapeXattr(ByteString.fromBytes(value))}`
  }
  return text
}
