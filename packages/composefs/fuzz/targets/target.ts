/** A reader that must bear with anything. */
import type { Random } from "../Random.ts"

/** What became of a case: the reader took it for good, or said what is wrong. */
export type Outcome = "accepted" | "refused"

export interface Target {
  readonly name: string
  /** The bytes of a case. */
  readonly make: (random: Random) => Uint8Array
  /** Hands them to the reader; throws where it breaks a promise. A thorough look costs several times as much. */
  readonly read: (bytes: Uint8Array, isThorough: boolean) => Outcome
}

/** Thrown where a reader breaks a promise. */
export class BrokenPromise extends Error {}
