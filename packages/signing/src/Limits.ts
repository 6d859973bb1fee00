/**
 * Bounds on hostile input; what is above one is refused, never cut.
 *
 * @since 0.1.0
 */

/**
 * How much a verification reads and computes at most. Sizes are bytes.
 *
 * @category models
 * @since 0.1.0
 */
export interface Limits {
  /** Referrers plus signature layers of one image that are looked at. */
  readonly candidates: number
  /** A referrer's or `.sig` tag's manifest. */
  readonly manifestBytes: number
  /** A bundle or a simple signing payload; provenance and SBOM bundles are larger than signatures. */
  readonly bundleBytes: number
  /** Transparency log entries in one bundle. */
  readonly logEntries: number
  /** RFC 3161 timestamps in one bundle. */
  readonly timestamps: number
  /** Subjects of one statement. */
  readonly subjects: number
  /** Digests of one subject. */
  readonly digestsPerSubject: number
}

/**
 * Generous for what honest tools write, cheap enough for what hostile ones do.
 *
 * @category constants
 * @since 0.1.0
 */
export const defaults: Limits = {
  candidates: 64,
  manifestBytes: 1024 * 1024,
  bundleBytes: 4 * 1024 * 1024,
  logEntries: 32,
  timestamps: 32,
  subjects: 1024,
  digestsPerSubject: 32
}
