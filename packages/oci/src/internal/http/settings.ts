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
  readonly manifestBytes: number
  readonly listBytes: number
  readonly listPages: number
  readonly blobBytes: number
}

/** How often, and how long, to try again. */
export interface Retry {
  readonly times: number
  readonly initialMillis: number
  readonly maximumMillis: number
  readonly maximumRetryAfterMillis: number
}

/** How blobs are cut for an upload, in bytes. */
export interface UploadSizes {
  readonly chunkBytes: number
  readonly monolithicBytes: number
}
