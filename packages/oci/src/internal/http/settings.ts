/** The options of an HTTP registry with their defaults. */
import type { Credentials } from "../../Credentials.ts"
import type { Patience } from "./transport.ts"

/** Everything the client may be told, complete. */
export interface Settings {
  readonly registry: URL
  readonly credentials: Credentials | undefined
  readonly userAgent: string
  readonly trustedRealms: ReadonlySet<string>
  readonly allowPrivateTargets: boolean
  readonly limits: Limits
  readonly retry: Retry
  readonly patience: Patience
  readonly upload: UploadSizes
  readonly verifyFallback: boolean
}

/** Bounds of what a registry may answer. */
export interface Limits {
  /** The largest manifest in bytes, and the largest page of referrers. */
  readonly manifestBytes: number
  /** The largest page of a list of names in bytes. */
  readonly listBytes: number
  /** How many pages of referrers are read. */
  readonly listPages: number
  /** The largest blob in bytes. */
  readonly blobBytes: number
}

/** How often, and how long, to try again. */
export interface Retry {
  /** How often after the first time. */
  readonly times: number
  /** The first pause, which doubles each time and is jittered. */
  readonly initialMillis: number
  /** The longest pause. */
  readonly maximumMillis: number
  /** The longest `Retry-After` that is waited for; a longer one is a `RateLimited`. */
  readonly maximumRetryAfterMillis: number
}

/** How blobs are cut for an upload. */
export interface UploadSizes {
  /** The size of a chunk in bytes, which is held in memory. */
  readonly chunkBytes: number
  /** The largest blob in bytes that goes in one request. */
  readonly monolithicBytes: number
}
