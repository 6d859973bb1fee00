/** Reads the archive of one layer onto an overlay. The archive may be hostile; nothing of it becomes a path here. */
import * as Effect from "effect/Effect"
import type * as Pull from "effect/Pull"
import type * as Result from "effect/Result"
import { isSuccess } from "effect/Result"
import * as Stream from "effect/Stream"
import type { ContentError, ContentSink } from "../../Content.ts"
import * as FsVerity from "../../FsVerity.ts"
import * as Node from "../../Node.ts"
import * as ByteString from "../byteString.ts"
import { deviceOf, maxMajor, maxMinor } from "../deviceNumber.ts"
import type { Input } from "../layer/input.ts"
import { targetProblem } from "../limits.ts"
import {
  type Extensions,
  type ForeignEntry,
  type HeaderStart,
  numberAt,
  readEntry,
  readLongName,
  readRecords,
  readStart
} from "../tar/dialects.ts"
import { aufsPrefix, blockSize, isZero, opaqueMarker, padding, typeFlag, whiteoutPrefix } from "../tar/format.ts"
import {
  type Extent,
  extentsProblem,
  maxMapBlocks,
  oldSparseExtension,
  oldSparseOf,
  type Sparse,
  SparseMapReader
} from "../tar/sparse.ts"
import type { TarEntry } from "../tar/write.ts"
import type { Leaf } from "./branch.ts"
import type { Budget } from "./budget.ts"
import { FlattenError, type FlattenReason } from "./flattenError.ts"
import type { Overlay } from "./overlay.ts"

export interface ArchiveOptions {
  /** Which layer of the image, from 0. */
  readonly layer: number
  /** Shared by all layers of the image. */
  readonly budget: Budget
  readonly objects: ContentSink | undefined
  readonly using: FsVerity.Parameters
  readonly inlineLimit: number
}

/** A whole set of attributes fits, and names; nothing more has a use. */
const maxExtensionSize = 1 << 20
const maxExtensions = 16
const noExtensions: Extensions = { pax: undefined, longName: undefined, longLink: undefined }

export const readLayer = <E, R>(input: Input<E, R>, overlay: Overlay, options: ArchiveOptions) =>
  new LayerReader(input, overlay, options).read

class LayerReader<E, R> {
  readonly #input: Input<E, R>
  readonly #overlay: Overlay
  readonly #options: ArchiveOptions

  constructor(input: Input<E, R>, overlay: Overlay, options: ArchiveOptions) {
    this.#input = input
    this.#overlay = overlay
    this.#options = options
  }

  get read() {
    return Effect.gen({ self: this }, function*() {
      for (;;) {
        const found = yield* this.#header
        if (found === undefined) break
        yield* this.#add(found)
      }
      this.#overlay.endLayer()
    })
  }

  /** The next entry, after its extension headers; `undefined` at the end, which may lack its two zero blocks. */
  get #header() {
    return Effect.gen({ self: this }, function*() {
      let extensions = noExtensions
      for (let count = 0; count <= maxExtensions; count++) {
        const block = this.#input.now(blockSize) ?? (yield* this.#input.take(blockSize))
        if (block.length === 0 || isZero(block)) {
          if (extensions !== noExtensions) return yield* this.#malformed("the archive ends after an extension header")
          if (block.length > 0) yield* this.#end
          return undefined
        }
        if (block.length < blockSize) return yield* this.#malformed("the archive is cut off inside a header")
        const start = yield* this.#decoded(readStart(block))
        const extended = yield* this.#extension(start, extensions)
        if (extended === undefined) {
          const entry = yield* this.#decoded(readEntry(block, start, extensions))
          return entry.type === typeFlag.gnuSparse ? yield* this.#oldSparse(entry, block) : entry
        }
        extensions = extended
      }
      return yield* this.#malformed(`more than ${maxExtensions} extension headers follow one another`)
    })
  }

  /** What an extension header adds; `undefined` for any other header. */
  readonly #extension = Effect.fnUntraced({ self: this }, function*(start: HeaderStart, before: Extensions) {
    switch (start.type) {
      case typeFlag.pax:
        if (before.pax !== undefined) return yield* this.#malformed("a PAX header follows another")
        return { ...before, pax: yield* this.#decoded(readRecords(yield* this.#extensionBody(start.size))) }
      case typeFlag.gnuLongName:
        if (before.longName !== undefined) return yield* this.#malformed("a long name follows another")
        return { ...before, longName: readLongName(yield* this.#extensionBody(start.size)) }
      case typeFlag.gnuLongLink:
        if (before.longLink !== undefined) return yield* this.#malformed("a long link follows another")
        return { ...before, longLink: readLongName(yield* this.#extensionBody(start.size)) }
      case typeFlag.globalPax:
        // Nobody in the field lets a global header bear on the tree (git writes a comment there).
        yield* this.#extensionBody(start.size)
        return before
      default:
        return undefined
    }
  })

  readonly #extensionBody = Effect.fnUntraced({ self: this }, function*(size: number) {
    if (size > maxExtensionSize) {
      return yield* this.#exceeded(`an extension header has more than ${maxExtensionSize} bytes`)
    }
    const excess = this.#options.budget.addMetadata(size)
    if (excess !== undefined) return yield* this.#exceeded(excess)
    const body = yield* this.#input.take(size + padding(size))
    if (body.length < size) return yield* this.#malformed("an extension header is cut off")
    return ByteString.fromBytes(body.subarray(0, size))
  })

  /** GNU's own header of a file with holes tells of some parts; blocks behind it tell of more. */
  readonly #oldSparse = Effect.fnUntraced({ self: this }, function*(entry: ForeignEntry, block: Buffer) {
    if (entry.sparse !== undefined) return yield* this.#malformed("a sparse file has two maps")
    const { isExtended, sparse } = yield* this.#decoded(oldSparseOf(block, numberAt))
    const extents = [...sparse.extents ?? []]
    let isMore = isExtended
    for (let count = 0; isMore; count++) {
      const extension = yield* this.#decoded(oldSparseExtension(yield* this.#mapBlock(count), numberAt))
      for (const extent of extension.extents) extents.push(extent)
      isMore = extension.isExtended
    }
    return { ...entry, type: typeFlag.regular, sparse: { ...sparse, extents } }
  })

  /** The next block of a map of which so many were read. */
  readonly #mapBlock = Effect.fnUntraced({ self: this }, function*(count: number) {
    const excess = count >= maxMapBlocks
      ? "a sparse file has too many parts"
      : this.#options.budget.addMetadata(blockSize)
    if (excess !== undefined) return yield* this.#exceeded(excess)
    const block = yield* this.#input.take(blockSize)
    return block.length === blockSize ? block : yield* this.#malformed("the map of a sparse file is cut off")
  })

  readonly #add = Effect.fnUntraced({ self: this }, function*(entry: ForeignEntry) {
    const excess = this.#options.budget.addEntry()
    if (excess !== undefined) return yield* this.#exceeded(excess)
    const text = ByteString.toText(entry.path)
    const path = yield* this.#names(text, entry.path)
    const problem = isWhiteout(path) ? yield* this.#whiteout(path, entry) : yield* this.#place(text, path, entry)
    if (problem !== undefined) return yield* this.#refused(text, problem)
  })

  /** The names of a path; leading, doubled and trailing slashes and `.` mean nothing, as everywhere in the field. */
  #names(text: string, bytes: ByteString.ByteString): Effect.Effect<ReadonlyArray<string>, FlattenError> {
    if (bytes === "") return this.#refused(text, "an empty path")
    const names = text.split("/").filter((name) => name !== "" && name !== ".")
    if (names.includes("..")) return this.#refused(text, "a path with `..` in it may lead out of the layer")
    const reserved = names.slice(0, -1).find((name, at) =>
      name.startsWith(whiteoutPrefix) && !(at === 0 && name.startsWith(aufsPrefix))
    )
    return reserved === undefined
      ? Effect.succeed(names)
      : this.#refused(text, `the name ${JSON.stringify(reserved)} is that of a whiteout, which holds nothing`)
  }

  readonly #whiteout = Effect.fnUntraced({ self: this }, function*(path: ReadonlyArray<string>, entry: TarEntry) {
    const name = path.at(-1) ?? ""
    const parent = path.slice(0, -1)
    yield* this.#skip(entry.size)
    if (name === opaqueMarker) return this.#overlay.opaque(parent)
    const hidden = name.slice(whiteoutPrefix.length)
    if (hidden === "" || hidden === "." || hidden === "..") return "a whiteout that names nothing"
    return this.#overlay.whiteout([...parent, hidden])
  })

  readonly #place = Effect.fnUntraced({ self: this }, function*(
    text: string,
    path: ReadonlyArray<string>,
    entry: ForeignEntry
  ) {
    if (entry.type === typeFlag.regular) {
      if (text.endsWith("/")) return "a slash at the end of a file's name"
      const { sparse } = entry
      const inode = sparse === undefined ? this.#file(text, entry) : this.#sparseFile(text, entry, sparse)
      return this.#overlay.leaf(path, yield* inode)
    }
    if (entry.sparse !== undefined) return "it says that it is a sparse file, but it is not a file"
    // Some readers take these bytes for a body, others for the next header.
    if (entry.size > 0) return `it says that it has ${entry.size} bytes, but it is not a file`
    switch (entry.type) {
      case typeFlag.directory:
        return this.#overlay.directory(path, metadataOf(entry))
      case typeFlag.hardLink: {
        const target = ByteString.toText(entry.linkPath)
        return this.#overlay.hardLink(path, yield* this.#names(target, entry.linkPath))
      }
      default: {
        const inode = specialOf(entry)
        return typeof inode === "string" ? inode : this.#overlay.leaf(path, inode)
      }
    }
  })

  readonly #file = Effect.fnUntraced({ self: this }, function*(text: string, entry: TarEntry) {
    const start = this.#input.offset
    const inode = entry.size <= this.#options.inlineLimit
      ? Node.inlineFile(Uint8Array.from(yield* this.#bytes(entry.size)), metadataOf(entry))
      : yield* this.#external(entry)
    yield* this.#endBody(text, start, entry.size)
    return inode
  })

  /** Takes the padding behind content that began at `start`, if all of it was there. */
  readonly #endBody = Effect.fnUntraced({ self: this }, function*(text: string, start: number, size: number) {
    const found = this.#input.offset - start
    const rest = yield* this.#bytes(padding(size))
    if (found === size && rest.length === padding(size)) return
    return yield* this.#refused(text, `its content is cut off after ${found} of ${size} bytes`)
  })

  readonly #external: (
    entry: TarEntry
  ) => Effect.Effect<Node.ExternalFile, ContentError | Pull.ExcludeDone<E>, R> = Effect.fnUntraced(
    { self: this },
    function*(entry) {
      const { objects, using } = this.#options
      const before = this.#input.offset
      if (objects !== undefined) {
        const { digest } = yield* objects.put(this.#input.body(entry.size))
        return Node.externalFile({ size: this.#input.offset - before, digest }, metadataOf(entry))
      }
      const hasher = FsVerity.hasher(using)
      for (let missing = entry.size; missing > 0; missing = entry.size - (this.#input.offset - before)) {
        const piece = yield* this.#input.some(missing)
        if (piece.length === 0) break
        hasher.update(piece)
      }
      return Node.externalFile({ size: this.#input.offset - before, digest: hasher.digest() }, metadataOf(entry))
    }
  )

  /** The holes are read as zeros: they count as bytes of the archive, like what some compression makes of little. */
  readonly #sparseFile = Effect.fnUntraced({ self: this }, function*(
    text: string,
    entry: ForeignEntry,
    { extents: told, realSize }: Sparse
  ) {
    const bodyStart = this.#input.offset
    const extents = told ?? (yield* this.#mapInFront(text, entry.size))
    const dataStart = this.#input.offset
    const dataSize = entry.size - (dataStart - bodyStart)
    const problem = extentsProblem(extents, realSize, dataSize)
    if (problem !== undefined) return yield* this.#refused(text, problem)
    const excess = this.#options.budget.addArchive(realSize - dataSize)
    if (excess !== undefined) return yield* this.#exceeded(excess)
    const inode = yield* this.#contentOf(this.#withHoles(extents, realSize), realSize, metadataOf(entry))
    // A map in front has whole blocks, so what follows the data is its padding too.
    yield* this.#endBody(text, dataStart, dataSize)
    return inode
  })

  /** The map of a sparse file in the first blocks of its body. */
  readonly #mapInFront = Effect.fnUntraced({ self: this }, function*(text: string, size: number) {
    const map = new SparseMapReader()
    for (let count = 0; (count + 1) * blockSize <= size; count++) {
      const block = ByteString.fromBytes(yield* this.#mapBlock(count))
      if (yield* this.#decoded(map.push(block))) return yield* this.#decoded(map.finish())
    }
    return yield* this.#refused(text, "the map of a sparse file is longer than all that is there of it")
  })

  #withHoles(extents: ReadonlyArray<Extent>, realSize: number): Stream.Stream<Uint8Array, Pull.ExcludeDone<E>, R> {
    let end = 0
    const parts = extents.map(({ offset, size }) => {
      const hole = offset - end
      end = offset + size
      return Stream.concat(zeros(hole), Stream.suspend(() => this.#input.body(size)))
    })
    return Stream.concat(Stream.flatten(Stream.fromIterable(parts)), Stream.suspend(() => zeros(realSize - end)))
  }

  readonly #contentOf = Effect.fnUntraced({ self: this }, function*(
    content: Stream.Stream<Uint8Array, Pull.ExcludeDone<E>, R>,
    size: number,
    metadata: Node.Metadata
  ) {
    const { inlineLimit, objects, using } = this.#options
    if (size <= inlineLimit) return Node.inlineFile(Buffer.concat(yield* Stream.runCollect(content)), metadata)
    const digest = objects === undefined
      ? yield* FsVerity.digestStream(content, using)
      : (yield* objects.put(content)).digest
    return Node.externalFile({ size, digest }, metadata)
  })

  #bytes(size: number): Effect.Effect<Uint8Array, Pull.ExcludeDone<E>, R> {
    const now = this.#input.now(size)
    return now === undefined ? this.#input.take(size) : Effect.succeed(now)
  }

  readonly #skip = Effect.fnUntraced({ self: this }, function*(size: number) {
    for (let missing = size + padding(size); missing > 0;) {
      const piece = yield* this.#input.some(missing)
      if (piece.length === 0) return yield* this.#malformed("the archive is cut off inside a whiteout")
      missing -= piece.length
    }
  })

  /** After a zero block, only zeros may follow: nothing travels along that another reader would see. */
  get #end() {
    return Effect.gen({ self: this }, function*() {
      for (let piece = yield* this.#input.some(1 << 20); piece.length > 0; piece = yield* this.#input.some(1 << 20)) {
        if (!isZero(piece)) return yield* this.#malformed("bytes follow the end of the archive")
      }
    })
  }

  #decoded<A>(result: Result.Result<A, string>): Effect.Effect<A, FlattenError> {
    return isSuccess(result) ? Effect.succeed(result.success) : this.#malformed(result.failure)
  }

  #malformed(problem: string): Effect.Effect<never, FlattenError> {
    return this.#fail({ _tag: "Malformed", layer: this.#options.layer, offset: this.#input.offset, problem })
  }

  #refused(path: string, problem: string): Effect.Effect<never, FlattenError> {
    return this.#fail({ _tag: "Refused", layer: this.#options.layer, path, problem })
  }

  #exceeded(problem: string): Effect.Effect<never, FlattenError> {
    return this.#fail({ _tag: "LimitExceeded", layer: this.#options.layer, problem })
  }

  #fail(reason: FlattenReason): Effect.Effect<never, FlattenError> {
    return Effect.fail(new FlattenError({ reason }))
  }
}

/** AUFS keeps files of its own in the root of a layer, which hide nothing. */
const isWhiteout = (path: ReadonlyArray<string>): boolean => {
  const name = path.at(-1) ?? ""
  return name === opaqueMarker ||
    (name.startsWith(whiteoutPrefix) && !(path.length === 1 && name.startsWith(aufsPrefix)))
}

/** An inode without content; or why there is none. */
const specialOf = (entry: TarEntry): Leaf["inode"] | string => {
  const { devMajor, devMinor, type } = entry
  switch (type) {
    case typeFlag.symlink:
      return targetProblem(entry.linkPath) ?? Node.symlink(ByteString.toText(entry.linkPath), metadataOf(entry))
    case typeFlag.fifo:
      return Node.fifo(metadataOf(entry))
    case typeFlag.characterDevice:
    case typeFlag.blockDevice: {
      // Cut to what the kernel's number holds, some device would become a whiteout.
      if (devMajor < 0 || devMajor > maxMajor || devMinor < 0 || devMinor > maxMinor) {
        return `the device number ${devMajor}:${devMinor} is too large`
      }
      const make = type === typeFlag.characterDevice ? Node.characterDevice : Node.blockDevice
      return make(deviceOf(devMajor, devMinor), metadataOf(entry))
    }
    default:
      return `entries of type ${JSON.stringify(type)} are not supported`
  }
}

const zeroChunk = new Uint8Array(1 << 16)

const zeros = (size: number): Stream.Stream<Uint8Array> =>
  Stream.unfold(size, (left) => {
    const length = Math.min(left, zeroChunk.length)
    return Effect.succeed(left === 0 ? undefined : [zeroChunk.subarray(0, length), left - length] as const)
  })

/** Without the entry's size, which is that of the archive, not of the file. */
const metadataOf = ({ gid, mode, mtime, uid, xattrs }: TarEntry): Node.Metadata => ({ mode, uid, gid, mtime, xattrs })
