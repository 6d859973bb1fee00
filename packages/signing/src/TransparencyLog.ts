/**
 * The port to a Rekor-like transparency log: it stores that a signature was made, and proves that it did.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import type { LogEntry } from "./Bundle.ts"
import type { SigningError } from "./SigningError.ts"

/**
 * What is to be logged: a signature over a message known by its SHA-256 (`hashedrekord`), or a DSSE envelope (`dsse`).
 * `verifier` is the certificate, or else the public key, in PEM.
 *
 * @category models
 * @since 0.1.0
 */
export type ProposedEntry =
  | {
    readonly kind: "hashedrekord"
    readonly message: Uint8Array
    readonly signature: Uint8Array
    readonly verifier: string
  }
  | {
    readonly kind: "dsse"
    readonly payloadType: string
    readonly payload: Uint8Array
    readonly signature: Uint8Array
    readonly verifier: string
  }

/**
 * A transparency log. The entry that it answers with has its promise or proof of inclusion.
 *
 * @category models
 * @since 0.1.0
 */
export interface TransparencyLog {
  readonly upload: (entry: ProposedEntry) => Effect.Effect<LogEntry, SigningError>
}
