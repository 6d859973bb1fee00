/** Reads a tar archive into a tree, contents into a sink. The archive may be hostile; nothing of it becomes a path here. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { ContentSink } from "../../Content.ts"
import * as Node from "../../Node.ts"
import type { Tree } from "../../Tree.ts"
import * as ByteString from "../byteString.ts"
import { deviceOf, maxMajor, maxMinor } from "../deviceNumber.ts"
import { targetProblem } from "../limits.ts"
import { describe, parentOf } from "../paths.ts"
import { blockSize, isZero, opaqueMarker, padding, typeFlag, whiteoutPrefix } from "../tar/format.ts"
import { type PaxRecords, readHeader, readPax } from "../tar/read.ts"
import type { TarEntry } from "../tar/write.ts"
import { TreeBuilder } from "../treeBuilder.ts"
import type { Input } from "./input.ts"
import { LayerError, type LayerReason } from "./layerError.ts"

export interface ArchiveOptions {
  readonly contents: ContentSink
  readonly inlineLimit: number
  readonly maxEntries: number
  readonly maxPaxSize: number
}

const noPax: PaxRecords = new Map()
/** A whole set of attributes fits, and names; nothing more has a use. */
const maxPaxHeaderSize = 1 << 20

export const readArchive = <E, R>(
  input: Input<E, R>,
  options: ArchiveOptions
) => new ArchiveReader(input, options).read

class ArchiveReader<E, R> {
  readonly #input: Input<E, R>
  readonly #options: ArchiveOptions
  readonly #builder = new TreeBuilder()
  #entries = 0
  #paxSize = 0

  constructor(input: Input<E, R>, options: ArchiveOptions) {
    this.#input = input
    this.#options = options
  }

  get read() {
    return Effect.gen({ self: this }, function*() {
      let pax = noPax
      for (;;) {
        const block = yield* this.#input.take(blockSize)
        if (block.length < blockSize) return yield* this.#malformed("the archive ends without its two zero blocks")
        if (isZero(block)) {
          if (pax !== noPax) return yield* this.#malformed("a PAX header stands in front of the end")
          break
        }
        const entry = yield* this.#decoded(readHeader(block, pax))
        if (entry.type === typeFlag.pax) {
          if (pax !== noPax) return yield* this.#malformed("a PAX header follows another")
          pax = yield* this.#readPax(entry)
        } else {
          yield* this.#add(entry)
          pax = noPax
        }
      }
      yield* this.#end
      return yield* this.#finish
    })
  }

  readonly #readPax = Effect.fnUntraced({ self: this }, function*(entry: TarEntry) {
    if (entry.size > maxPaxHeaderSize) {
      return yield* failure({ _tag: "LimitExceeded", problem: `a PAX header has more than ${maxPaxHeaderSize} bytes` })
    }
    this.#paxSize += entry.size
    const limit = this.#options.maxPaxSize
    if (this.#paxSize > limit) {
      return yield* failure({ _tag: "LimitExceeded", problem: `PAX headers have more than ${limit} bytes together` })
    }
    const body = yield* this.#input.take(entry.size + padding(entry.size))
    if (body.length < entry.size) return yield* this.#malformed("a PAX header is cut off")
    return yield* this.#decoded(readPax(ByteString.fromBytes(body.subarray(0, entry.size))))
  })

  readonly #add = Effect.fnUntraced({ self: this }, function*(entry: TarEntry) {
    const limit = this.#options.maxEntries
    if (++this.#entries > limit) {
      return yield* failure({ _tag: "LimitExceeded", problem: `the archive has more than ${limit} entries` })
    }
    const path = yield* this.#treePath(entry.path)
    const place = yield* this.#whiteoutPlace(path, entry)
    const node = place === undefined ? yield* this.#node(path, entry) : Node.whiteout(entry)
    const reason = this.#builder.add(place ?? path, node)
    if (reason !== undefined) return yield* this.#unsafe(path, describe(reason))
  })

  /** Relative paths become absolute ones in the tree; what could lead out of it is refused, not mended. */
  readonly #treePath = Effect.fnUntraced({ self: this }, function*(bytes: ByteString.ByteString) {
    const text = ByteString.toText(bytes)
    if (text === "") return yield* this.#unsafe(text, "an empty path")
    if (text.startsWith("/")) return yield* this.#unsafe(text, "an absolute path")
    const path = `/${text.replace(/^(?:\.\/)+/, "").replace(/\/$/, "")}`
    if (path === "/." || path === "/") return "/"
    if (path.split("/").includes("..")) return yield* this.#unsafe(text, "a path that leads out of the archive")
    if (path.includes("//")) return yield* this.#unsafe(text, "a path with an empty name in it")
    return path
  })

  readonly #whiteoutPlace = Effect.fnUntraced({ self: this }, function*(path: string, entry: TarEntry) {
    const directory = parentOf(path)
    const name = path.slice(directory === "/" ? 1 : directory.length + 1)
    if (!name.startsWith(whiteoutPrefix)) return undefined
    if (entry.type !== typeFlag.regular) return yield* this.#unsafe(path, "a whiteout that is not a file")
    if (name === opaqueMarker) return yield* this.#unsafe(path, "opaque directories are not supported")
    if (entry.size > 0) return yield* this.#unsafe(path, "a whiteout with content")
    return `${directory === "/" ? "" : directory}/${name.slice(whiteoutPrefix.length)}`
  })

  readonly #node = Effect.fnUntraced({ self: this }, function*(path: string, entry: TarEntry) {
    if (entry.type !== typeFlag.regular && entry.size > 0) {
      return yield* this.#unsafe(path, "an entry with a body which is not a file")
    }
    if (entry.type !== typeFlag.directory && entry.path.endsWith("/")) {
      return yield* this.#unsafe(path, "a slash at the end of what is not a directory")
    }
    // Cut to what the kernel's number holds, some device would become a whiteout.
    if (entry.devMajor > maxMajor || entry.devMinor > maxMinor) {
      return yield* this.#unsafe(path, `the device number ${entry.devMajor}:${entry.devMinor} is too large`)
    }
    const rdev = deviceOf(entry.devMajor, entry.devMinor)
    switch (entry.type) {
      case typeFlag.regular:
        return yield* this.#file(path, entry)
      case typeFlag.directory:
        return Node.directory(new Map(), entry)
      case typeFlag.symlink:
        return yield* this.#symlink(path, entry)
      case typeFlag.hardLink:
        return Node.hardLink(yield* this.#treePath(entry.linkPath))
      case typeFlag.fifo:
        return Node.fifo(metadataOf(entry))
      case typeFlag.characterDevice:
        return Node.characterDevice(rdev, metadataOf(entry))
      case typeFlag.blockDevice:
        return Node.blockDevice(rdev, metadataOf(entry))
      default:
        return yield* this.#unsafe(path, `entries of type ${JSON.stringify(entry.type)} are not supported`)
    }
  })

  readonly #symlink = Effect.fnUntraced({ self: this }, function*(path: string, entry: TarEntry) {
    const problem = targetProblem(entry.linkPath)
    return problem === undefined
      ? Node.symlink(ByteString.toText(entry.linkPath), entry)
      : yield* this.#unsafe(path, problem)
  })

  readonly #file = Effect.fnUntraced({ self: this }, function*(path: string, entry: TarEntry) {
    const node = entry.size <= this.#options.inlineLimit
      ? Node.inlineFile(yield* this.#input.take(entry.size), entry)
      : yield* this.#external(entry)
    const size = node._tag === "InlineFile" ? node.content.length : node.size
    const rest = yield* this.#input.take(padding(entry.size))
    return size === entry.size && rest.length === padding(entry.size)
      ? node
      : yield* this.#unsafe(path, `its content is cut off after ${size} of ${entry.size} bytes`)
  })

  readonly #external = Effect.fnUntraced({ self: this }, function*(entry: TarEntry) {
    const before = this.#input.offset
    const { digest } = yield* this.#options.contents.put(this.#input.body(entry.size))
    return Node.externalFile({ size: this.#input.offset - before, digest }, entry)
  })

  /** Only zeros may follow the end: nothing travels along unseen. */
  get #end() {
    return Effect.gen({ self: this }, function*() {
      let zeros = blockSize
      for (let piece = yield* this.#input.some(1 << 20); piece.length > 0; piece = yield* this.#input.some(1 << 20)) {
        if (!isZero(piece)) return yield* this.#malformed("bytes follow the end of the archive")
        zeros += piece.length
      }
      if (zeros < 2 * blockSize) return yield* this.#malformed("the archive ends without its two zero blocks")
    })
  }

  get #finish(): Effect.Effect<Tree, LayerError> {
    return Effect.suspend(() => {
      const built = this.#builder.finish()
      if (Result.isFailure(built)) return this.#unsafe(built.failure.path, describe(built.failure))
      const problem = this.#builder.linkToDirectory()
      if (problem !== undefined) return this.#unsafe(problem, "a hard link to a directory")
      this.#builder.countLinks()
      return Effect.succeed(built.success)
    })
  }

  #decoded<A>(result: Result.Result<A, string>): Effect.Effect<A, LayerError> {
    return Result.isSuccess(result) ? Effect.succeed(result.success) : this.#malformed(result.failure)
  }

  #malformed(problem: string): Effect.Effect<never, LayerError> {
    return failure({ _tag: "Malformed", offset: this.#input.offset, problem })
  }

  #unsafe(path: string, problem: string): Effect.Effect<never, LayerError> {
    return failure({ _tag: "Refused", path, problem })
  }
}

const failure = (reason: LayerReason): Effect.Effect<never, LayerError> => Effect.fail(new LayerError({ reason }))

/** Without the entry's size, which is that of the archive, not of the file. */
const metadataOf = ({ gid, mode, mtime, uid, xattrs }: TarEntry): Node.Metadata => ({ mode, uid, gid, mtime, xattrs })
