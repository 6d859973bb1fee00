/**
 * The three kinds of webhook that are received, by who sends them and what they sign.
 *
 * @since 0.1.0
 */

/**
 * `gitea-event`: a native event of Gitea or Forgejo. `module-callback`: the call with which the build of a module ends.
 * `disk-image-callback`: the call with which the build of a disk image ends.
 *
 * @category models
 * @since 0.1.0
 */
export type WebhookKind = "gitea-event" | "module-callback" | "disk-image-callback"

/**
 * A header that carries an HMAC-SHA256 in hex, behind a fixed prefix.
 *
 * @category models
 * @since 0.1.0
 */
export interface HexSignatureHeader {
  readonly name: string
  readonly prefix: "" | "sha256="
}

const giteaHeaders: ReadonlyArray<HexSignatureHeader> = [
  { name: "x-gitea-signature", prefix: "" },
  { name: "x-forgejo-signature", prefix: "" },
  { name: "x-hub-signature-256", prefix: "sha256=" }
]

/**
 * The headers in which a kind carries its own signature. `X-Hub-Signature` (SHA-1) is not among them, on purpose.
 *
 * @category getters
 * @since 0.1.0
 */
export const signatureHeaders = (kind: WebhookKind): ReadonlyArray<HexSignatureHeader> =>
  kind === "disk-image-callback" ? [{ name: "x-powernode-signature", prefix: "sha256=" }] : giteaHeaders

/**
 * Whether a kind signs the decoded `payload` field of form content, and not the bytes of the body.
 *
 * Gitea does (services/webhook/deliver.go). A CI callback signs its bytes: curl labels any `--data` as form content.
 *
 * @category predicates
 * @since 0.1.0
 */
export const signsFormPayload = (kind: WebhookKind): boolean => kind === "gitea-event"
