/**
 * Writes objects into the directory of a store, in whichever thread has their bytes: into a temporary file first, which
 * then gets its name. Without Effect, so that threads start quickly.
 */
import {
  closeSync,
  fsyncSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeSync
} from "node:fs"
import { dirname } from "node:path"
import { threadId } from "node:worker_threads"
import { readOnly } from "../openFlags.ts"

/** What a thread must know of a store. */
export interface WriterTarget {
  readonly directory: string
  /** For half-written objects; in the store, so that an object moves to its name within one file system. */
  readonly temporary: string
  /** Whether each object is forced to the disk before it gets its name, and its name after that. */
  readonly isForced: boolean
}

export class ObjectWriter {
  readonly #target: WriterTarget

  constructor(target: WriterTarget) {
    this.#target = target
  }

  /** Stores bytes whose digest is known, unless they are there. */
  put(digest: string, bytes: Uint8Array): void {
    if (keepObject(this.pathOf(digest), bytes.length)) return this.#forceName(digest)
    const unnamed = this.begin()
    try {
      unnamed.write(bytes)
      this.#move(unnamed.finish(), digest)
    } catch (cause) {
      unnamed.discard()
      throw cause
    }
  }

  /** Begins an object whose digest is not known yet. */
  begin(): UnnamedObject {
    return new UnnamedObject(this.temporaryPath(), this.#target.isForced)
  }

  /** Gives a finished file its name, unless an object of that name is there. */
  name(finished: string, digest: string, size: number): void {
    if (!keepObject(this.pathOf(digest), size)) return this.#move(finished, digest)
    rmSync(finished)
    this.#forceName(digest)
  }

  /** A path which no other thread gives to a file of its own, nor this thread to another. */
  temporaryPath(): string {
    return `${this.#target.temporary}/${threadId}-${begun++}`
  }

  pathOf(digest: string): string {
    return `${this.#target.directory}/${digest.slice(0, 2)}/${digest.slice(2)}`
  }

  #move(finished: string, digest: string): void {
    const path = this.pathOf(digest)
    try {
      renameSync(finished, path)
    } catch (cause) {
      if (!isMissing(cause)) throw cause
      mkdirSync(dirname(path), { recursive: true })
      renameSync(finished, path)
    }
    this.#forceName(digest)
  }

  /** Also for an object that was there: who wrote it may not have forced it to the disk. */
  #forceName(digest: string): void {
    if (!this.#target.isForced) return
    for (const directory of [dirname(this.pathOf(digest)), this.#target.directory]) force(directory)
  }
}

let begun = 0

/** An object that is being written. */
export class UnnamedObject {
  readonly #path: string
  readonly #isForced: boolean
  readonly #file: number
  #isOpen = true

  constructor(path: string, isForced: boolean) {
    this.#path = path
    this.#isForced = isForced
    this.#file = openSync(path, "wx", 0o644)
  }

  write(bytes: Uint8Array): void {
    for (let written = 0; written < bytes.length;) {
      written += writeSync(this.#file, bytes, written, bytes.length - written, null)
    }
  }

  /** Returns the path of the file. */
  finish(): string {
    if (this.#isForced) fsyncSync(this.#file)
    this.#close()
    return this.#path
  }

  /** Removes the file of an object that does not get a name. */
  discard(): void {
    if (this.#isOpen) this.#close()
    rmSync(this.#path, { force: true })
  }

  #close(): void {
    this.#isOpen = false
    closeSync(this.#file)
  }
}

/**
 * Whether an object of this size is there, and will be there for a while. A writer that lost power may have left less
 * under the same name. Its times become now: that tells a garbage collector that somebody wants it.
 */
export const keepObject = (path: string, size: number): boolean => {
  const stats = lstatSync(path, { throwIfNoEntry: false })
  return stats !== undefined && stats.isFile() && stats.size === size && touch(path)
}

/** Fails where a garbage collector removed the file meanwhile, or it is another user's: a new one is needed then. */
const touch = (path: string): boolean => {
  const now = Date.now() / 1000
  try {
    lutimesSync(path, now, now)
    return true
  } catch {
    return false
  }
}

const isMissing = (cause: unknown): boolean => cause instanceof Error && "code" in cause && cause.code === "ENOENT"

const force = (path: string): void => {
  const file = openSync(path, readOnly)
  try {
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}
