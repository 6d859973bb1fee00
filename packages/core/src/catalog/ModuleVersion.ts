/**
 * Versions of modules: what was published under one digest, what is known of it, and how far it may go.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { LayerService } from "../composition/LayerService.ts"
import { Actor } from "../events/Actor.ts"
import { SignatureVerdict, TrustPolicy } from "../ingest/SignatureVerifier.ts"
import { canonicalJson } from "../internal/contentHash.ts"
import * as Collection from "../storage/Collection.ts"

/**
 * The states of a version, in the order in which it is promoted.
 *
 * @category schemas
 * @since 0.1.0
 */
export const LifecycleState = Schema.Literals(["draft", "staging", "blessed", "live", "archived"])

/**
 * The states of a version.
 *
 * @category models
 * @since 0.1.0
 */
export type LifecycleState = typeof LifecycleState.Type

/**
 * What was published for one architecture. The two digests are the publisher's word until `recomputed`.
 *
 * @category schemas
 * @since 0.1.0
 */
export const ModuleArtifact = Schema.Struct({
  architecture: Schema.String,
  /** Digest of the OCI manifest of this architecture. */
  manifestDigest: Schema.String,
  /** SHA-256 of the composefs image blob: what a node reports as running. */
  composefsDigest: Schema.String,
  /** fs-verity digest of that blob: what a node's kernel enforces. */
  fsverityRootHash: Schema.String,
  /** Bytes of the manifest's layers together. */
  sizeBytes: Schema.Int,
  mediaType: Schema.String,
  /** Whether the digests were computed here from the bytes in the registry. */
  recomputed: Schema.Boolean,
  /** Whether the image was moreover rebuilt from the file layer and was the same. */
  rebuilt: Schema.Boolean,
  /** How many files the image holds; their paths are in `ModuleFiles`. */
  fileCount: Schema.Int
})

/**
 * What was published for one architecture.
 *
 * @category models
 * @since 0.1.0
 */
export type ModuleArtifact = typeof ModuleArtifact.Type

/**
 * What verification found for the index or for the manifest of one architecture.
 *
 * @category schemas
 * @since 0.1.0
 */
export const SubjectVerdict = Schema.Struct({
  /** `index`, or an architecture. */
  subject: Schema.String,
  digest: Schema.String,
  verdict: SignatureVerdict
})

/**
 * What verification found for one digest.
 *
 * @category models
 * @since 0.1.0
 */
export type SubjectVerdict = typeof SubjectVerdict.Type

/**
 * What a vulnerability scan of the version said.
 *
 * @category schemas
 * @since 0.1.0
 */
export const ScanVerdict = Schema.Struct({
  passed: Schema.Boolean,
  detail: Schema.String,
  by: Actor,
  /** Milliseconds since the epoch. */
  at: Schema.Int
})

/**
 * What a vulnerability scan said.
 *
 * @category models
 * @since 0.1.0
 */
export type ScanVerdict = typeof ScanVerdict.Type

/**
 * A mark that somebody set on a version, and why.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Mark = Schema.Struct({
  by: Actor,
  reason: Schema.String,
  /** Milliseconds since the epoch. */
  at: Schema.Int
})

/**
 * A mark that somebody set.
 *
 * @category models
 * @since 0.1.0
 */
export type Mark = typeof Mark.Type

/**
 * A version of a module. What is behind its `indexDigest` never changes; only what is known and decided of it does.
 *
 * @category schemas
 * @since 0.1.0
 */
export const ModuleVersion = Schema.Struct({
  id: Schema.String,
  accountId: Schema.String,
  rev: Schema.Int,
  moduleId: Schema.String,
  moduleName: Schema.String,
  versionString: Schema.String,
  /** The tag by which it was found; absent when it was ingested by digest. */
  tag: Schema.optional(Schema.String),
  /** Digest of the OCI image index: the identity of the version. */
  indexDigest: Schema.String,
  lifecycleState: LifecycleState,
  /** Milliseconds since the epoch at which it came into that state. */
  enteredStateAt: Schema.Int,
  /** Whether every signature counts and every digest was confirmed. */
  cosignVerified: Schema.Boolean,
  verdicts: Schema.Array(SubjectVerdict),
  verifiedAt: Schema.Int,
  /** Whom the module trusted then. */
  verifiedUnder: TrustPolicy,
  artifacts: Schema.Array(ModuleArtifact),
  sbomDigests: Schema.Array(Schema.String),
  scan: Schema.optional(ScanVerdict),
  /** The `manifest.yaml` that it was built from, in canonical form. */
  manifestText: Schema.String,
  /**
   * The services of that manifest, which composing needs and reading the manifest again would be dear; as JSON text, which
   * may hold what a row may not. Absent in rows of before.
   */
  services: Schema.optional(Schema.fromJsonString(Schema.Array(LayerService))),
  fingerprint: Schema.String,
  gitSha: Schema.optional(Schema.String),
  builtAt: Schema.optional(Schema.Int),
  /** A veto: no step forward, no new use; what runs keeps running. */
  quarantine: Schema.optional(Mark),
  /** A wish to be kept: not archived, not purged. */
  pin: Schema.optional(Mark),
  /** Milliseconds since the epoch. */
  createdAt: Schema.Int
})

/**
 * A version of a module.
 *
 * @category models
 * @since 0.1.0
 */
export type ModuleVersion = typeof ModuleVersion.Type

/**
 * Where versions are kept. Storage itself refuses a second digest under a versionString, and a second live version.
 *
 * @category collections
 * @since 0.1.0
 */
export const collection = Collection.make("module_version", ModuleVersion, {
  byModule: { fields: ["moduleId"] },
  byModuleAndState: { fields: ["moduleId", "lifecycleState"] },
  byVersionString: { fields: ["moduleId", "versionString"], unique: true },
  byIndexDigest: { fields: ["moduleId", "indexDigest"], unique: true },
  oneLive: { fields: ["moduleId"], unique: true, where: { field: "lifecycleState", equals: "live" } }
})

/**
 * Why `cosignVerified` is false, one readable reason per digest; empty only when it is true.
 *
 * @category formatting
 * @since 0.1.0
 */
export const verificationFailures = (
  version: Pick<ModuleVersion, "verdicts" | "artifacts" | "cosignVerified">
): ReadonlyArray<string> => {
  if (version.cosignVerified) return []
  const signatures = version.verdicts.flatMap(({ subject, digest, verdict }) =>
    verdict.verified ? [] : [`${subject} ${digest}: ${verdict.message}`]
  )
  return signatures.length === 0 ? ["the digests of the artifacts were not confirmed"] : signatures
}

/**
 * Why a verification no longer counts, one sentence for each signer who was trusted when it was done and is not any
 * more; empty while all of them are. Trusting others as well takes nothing away.
 *
 * @category getters
 * @since 0.1.0
 */
export const withdrawnTrust = (
  version: Pick<ModuleVersion, "cosignVerified" | "verifiedUnder">,
  trustPolicy: TrustPolicy
): ReadonlyArray<string> => {
  if (!version.cosignVerified) return []
  const trusted = new Set(trustPolicy.signers.map(canonicalJson))
  return version.verifiedUnder.signers
    .map(canonicalJson)
    .filter((signer) => !trusted.has(signer))
    .map((signer) => `it was verified when the module trusted ${signer}, whom it trusts no more`)
}
