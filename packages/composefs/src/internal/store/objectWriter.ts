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
import { dirname, join } from "node:path"
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
    const path = this.#pathOf(digest)
    if (keepObject(path, bytes.length)) return this.#forceName(path)
    const unnamed = this.begin()
    try {
      unnamed.write(bytes)
      this.#name(unnamed, path)
    } finally {
      unnamed.discard()
    }
  }

  /** Begins an object whose digest is not known yet. Discard it in any case. */
  begin(): UnnamedObject {
    return new UnnamedObject(join(this.#target.temporary, temporaryName()))
  }

  /** Gives an object its name, unless one of that name is there. */
  name(unnamed: UnnamedObject, digest: string): void {
    const path = this.#pathOf(digest)
    if (keepObject(path, unnamed.size)) this.#forceName(path)
    else this.#name(unnamed, path)
  }

  #pathOf(digest: string): string {
    return `${this.#target.directory}/${digest.slice(0, 2)}/${digest.slice(2)}`
  }

  #name(unnamed: UnnamedObject, path: string): void {
    unnamed.move(path, this.#target.isForced)
    this.#forceName(path)
  }

  /** Also for an object that was there: who wrote it may not have forced it to the disk. */
  #forceName(path: string): void {
    if (!this.#target.isForced) return
    for (const directory of [dirname(path), this.#target.directory]) force(directory)
  }
}

let begun = 0

/** A name which no other thread gives to a file of its own, nor this thread to another. */
export const temporaryName = (): string => `${threadId}-${begun++}`

/** An object that is being written. */
export class UnnamedObject {
  readonly #path: string
  readonly #file: number
  #state: "open" | "closed" | "gone" = "open"
  #size = 0

  constructor(path: string) {
    this.#path = path
    this.#file = openSync(path, "wx", 0o644)
  }

  get size(): number {
    return this.#size
  }

  write(bytes: Uint8Array): void {
    for (let written = 0; written < bytes.length;) {
      written += writeSync(this.#file, bytes, written, bytes.length - written, null)
    }
    this.#size += bytes.length
  }

  move(path: string, isForced: boolean): void {
    if (isForced) fsyncSync(this.#file)
    this.#close()
    try {
      renameSync(this.#path, path)
    } catch (cause) {
      if (!isMissing(cause)) throw cause
      mkdirSync(dirname(path), { recursive: true })
      renameSync(this.#path, path)
    }
    this.#state = "gone"
  }

  /** Removes what has not got a name. */
  discard(): void {
    if (this.#state === "open") this.#close()
    if (this.#state === "closed") rmSync(this.#path, { force: true })
    this.#state = "gone"
  }

  #close(): void {
    this.#state = "closed"
    closeSync(this.#file)
  }
}

/**
 * Whether an object of this size is there. A writer that lost power may have left less under the same name; who wants
 * the object is seen by its time of change, before which no garbage collector may remove it.
 */
export const keepObject = (path: string, size: number): boolean => {
  const stats = lstatSync(path, { throwIfNoEntry: false })
  if (stats === undefined || !stats.isFile() || stats.size !== size) return false
  return touch(path)
}

/** Fails where somebody removed the file meanwhile, or it is another user's: a new one is needed then. */
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
