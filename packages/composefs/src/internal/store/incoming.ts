/** An object whose bytes come as a stream. */
import * as Effect from "effect/Effect"
import { type FileHandle, open } from "node:fs/promises"
import { rm } from "node:fs/promises"
import { dirname } from "node:path"
import { ContentError, type StoredContent } from "../../Content.ts"
import { attempt, fileProblem } from "../files.ts"
import type { Parameters } from "../verity/blockHash.ts"
import { MerkleHasher } from "../verity/merkleHasher.ts"
import { ObjectWriter, type WriterTarget } from "./objectWriter.ts"
import { io, sync, toError } from "./problems.ts"

/** What is held in memory until its size is known: to write a small object at once takes a tenth of the time. */
const maxHeldSize = 1 << 20

export class Incoming {
  readonly #target: WriterTarget
  readonly #writer: ObjectWriter
  readonly #hasher: MerkleHasher
  readonly #path: string
  #held: Array<Uint8Array> = []
  #size = 0
  #file: FileHandle | undefined

  constructor(target: WriterTarget, using: Parameters) {
    this.#target = target
    // Whatever has to wait for the disk must not wait in this thread.
    this.#writer = new ObjectWriter({ ...target, isForced: false })
    this.#hasher = new MerkleHasher(using)
    this.#path = this.#writer.temporaryPath()
  }

  add(chunk: Uint8Array): Effect.Effect<void, ContentError> {
    this.#hasher.update(chunk)
    this.#size += chunk.length
    this.#held.push(chunk)
    return this.#size <= maxHeldSize && this.#file === undefined && !this.#target.isForced
      ? Effect.void
      : this.#writeHeld()
  }

  /** Gives the object its name, if that is the expected one. */
  readonly finish = Effect.fnUntraced({ self: this }, function*(expected: string | undefined) {
    const stored: StoredContent = { digest: this.#hasher.digest(), size: this.#size }
    if (expected !== undefined && expected !== stored.digest) {
      return yield* new ContentError({ reason: { _tag: "Mismatch", expected, actual: stored.digest } })
    }
    if (this.#file !== undefined) yield* this.#closeFile(this.#file)
    const path = this.#writer.pathOf(stored.digest)
    yield* Effect.try({ try: () => this.#name(stored), catch: (cause) => toError("store", path)(fileProblem(cause)) })
    if (this.#target.isForced) {
      yield* Effect.forEach([dirname(path), this.#target.directory], sync, { discard: true })
    }
    return stored
  })

  /** Leaves nothing behind but a stored object. */
  readonly discard: Effect.Effect<void> = Effect.suspend(() => {
    const file = this.#file
    return file === undefined
      ? Effect.void
      : Effect.ignore(Effect.andThen(
        Effect.ignore(attempt(() => file.close())),
        attempt(() => rm(this.#path, { force: true }))
      ))
  })

  readonly #writeHeld = Effect.fnUntraced({ self: this }, function*() {
    const file = this.#file ??= yield* io("create", this.#path, () => open(this.#path, "wx", 0o644))
    const held = this.#held
    this.#held = []
    for (const chunk of held) yield* io("write", this.#path, () => file.writeFile(chunk))
  })

  readonly #closeFile = Effect.fnUntraced({ self: this }, function*(file: FileHandle) {
    if (this.#target.isForced) yield* io("sync", this.#path, () => file.sync())
    yield* io("close", this.#path, () => file.close())
  })

  #name({ digest, size }: StoredContent): void {
    if (this.#file === undefined) this.#writer.put(digest, Buffer.concat(this.#held))
    else this.#writer.name(this.#path, digest, size)
  }
}
