/**
 * A transparency log like Rekor v1: a Merkle tree over entry bodies, with signed promises and checkpoints.
 *
 * @since 0.1.0
 */
import { json } from "@sigstore/core"
import { createHash, type KeyObject, sign } from "node:crypto"
import type * as Bundle from "../Bundle.ts"
import type { ProposedEntry } from "../TransparencyLog.ts"
import * as MerkleTree from "./merkleTree.ts"

export interface Body {
  readonly kind: string
  readonly apiVersion: string
  readonly spec: unknown
}

export interface RekorLog {
  /** Appends a body at a time in seconds since 1970, and proves its inclusion. */
  readonly append: (body: Body, seconds: number) => Bundle.LogEntry
}

export const make = (log: {
  readonly name: string
  readonly id: Buffer
  readonly privateKey: KeyObject
}): RekorLog => {
  const tree = MerkleTree.make()
  return {
    append: (body, seconds) => {
      const canonicalizedBody = Buffer.from(json.canonicalize(body))
      const index = tree.append(canonicalizedBody)
      const promised = {
        body: canonicalizedBody.toString("base64"),
        integratedTime: seconds,
        logIndex: index,
        logID: log.id.toString("hex")
      }
      return {
        logIndex: String(index),
        logId: { keyId: log.id },
        kindVersion: { kind: body.kind, version: body.apiVersion },
        integratedTime: String(seconds),
        inclusionPromise: {
          signedEntryTimestamp: sign("sha256", Buffer.from(json.canonicalize(promised)), log.privateKey)
        },
        inclusionProof: {
          logIndex: String(index),
          rootHash: tree.root(),
          treeSize: String(tree.size()),
          hashes: [...tree.path(index)],
          checkpoint: { envelope: checkpoint(log, tree) }
        },
        canonicalizedBody
      }
    }
  }
}

/** A signed note (C2SP `tlog-checkpoint`): origin, size and root, an empty line, the signature in the log's name. */
const checkpoint = (
  log: { readonly name: string; readonly id: Buffer; readonly privateKey: KeyObject },
  tree: MerkleTree.MerkleTree
): string => {
  const note = `${log.name} - ${log.id.readUInt32BE()}\n${tree.size()}\n${tree.root().toString("base64")}\n`
  const signature = Buffer.concat([log.id.subarray(0, 4), sign("sha256", Buffer.from(note), log.privateKey)])
  return `${note}\n\u2014 ${log.name} ${signature.toString("base64")}\n`
}

/** The body under which an entry is logged. */
export const bodyOf = (entry: ProposedEntry): Body => {
  const verifier = Buffer.from(entry.verifier).toString("base64")
  const signature = Buffer.from(entry.signature).toString("base64")
  return entry.kind === "hashedrekord"
    ? {
      kind: "hashedrekord",
      apiVersion: "0.0.1",
      spec: {
        data: { hash: sha256(entry.message) },
        signature: { content: signature, publicKey: { content: verifier } }
      }
    }
    : {
      kind: "dsse",
      apiVersion: "0.0.1",
      spec: {
        envelopeHash: sha256(envelopeOf(entry, signature)),
        payloadHash: sha256(entry.payload),
        signatures: [{ signature, verifier }]
      }
    }
}

const envelopeOf = (entry: Extract<ProposedEntry, { kind: "dsse" }>, signature: string): Uint8Array =>
  Buffer.from(json.canonicalize({
    payload: Buffer.from(entry.payload).toString("base64"),
    payloadType: entry.payloadType,
    signatures: [{ keyid: "", sig: signature }]
  }))

const sha256 = (bytes: Uint8Array) => ({ algorithm: "sha256", value: createHash("sha256").update(bytes).digest("hex") })
