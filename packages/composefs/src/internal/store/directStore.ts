import type * as Effect from "effect/Effect"
import type { ContentError, ContentSink } from "../../Content.ts"
import type { Parameters } from "../verity/blockHash.ts"
import type { WriterTarget } from "./objectWriter.ts"

/** The key of what a sink offers to those who can write files themselves. */
export const direct: unique symbol = Symbol("@lamina/composefs/direct")

/** A sink whose directory others may write to with an `ObjectWriter`, in whichever thread. */
export interface DirectStore {
  readonly target: WriterTarget
  /** How objects are named. */
  readonly using: Parameters
  /** Must be told what was written, or found there, for it to be durable in the end. */
  readonly stored: (digests: ReadonlyArray<string>) => Effect.Effect<void, ContentError>
}

export const directStoreOf = (sink: ContentSink | undefined): DirectStore | undefined =>
  sink !== undefined && isDirect(sink) ? sink[direct] : undefined

const isDirect = (sink: ContentSink): sink is ContentSink & { readonly [direct]: DirectStore } => direct in sink
