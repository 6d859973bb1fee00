import { assert, describe, it } from "@effect/vitest"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { done, killMainAt, runMain, step } from "./runMain.ts"

const withState = async (work: (state: string) => Promise<void>): Promise<void> => {
  const state = await mkdtemp(join(tmpdir(), "lamina-test-"))
  try {
    await work(state)
  } finally {
    await rm(state, { recursive: true, force: true })
  }
}

const refusals = [
  ["a flipped byte in a layer", "SourceFailed digestMismatch"],
  ["another signer", "IdentityMismatch"],
  ["another issuer", "IdentityMismatch"],
  ["a replayed webhook", "Duplicate"],
  ["an old webhook, sent again", "TimestampOutOfWindow"],
  ["a stale webhook secret", "SignatureMismatch"],
  ["a moved tag", "VersionConflict"],
  ["a cyclic dependency", "Cycle"],
  ["promotion without approval", "ApprovalRequired"]
]

describe("the main job", () => {
  it("ends with a live version, no drift, and every refusal with its reason", async () => {
    const lines = await runMain([])
    assert.deepInclude(step(lines, "ingest"), { outcome: "processed", lifecycle_state: "draft", cosign_verified: true })
    assert.deepStrictEqual(step(lines, "promote")["path"], ["draft", "staging", "blessed", "live"])
    assert.deepInclude(step(lines, "drift")["before"], { drift: false, class: "in_sync" })
    assert.deepInclude(step(lines, "drift")["after"], { drift: true, class: "drifted" })
    assert.deepStrictEqual(
      lines.flatMap(({ reason, refusal }) => refusal === undefined ? [] : [[refusal, reason]]),
      refusals
    )
  })

  it("gives the same digests when it runs again", async () => {
    const [first, second] = [await runMain(["--no-refusals"]), await runMain(["--no-refusals"])]
    assert.deepStrictEqual(step(first, "build")["artifacts"], step(second, "build")["artifacts"])
    assert.deepStrictEqual(step(first, "push")["index_digest"], step(second, "push")["index_digest"])
    assert.deepStrictEqual(step(first, "compose")["plan_hash"], step(second, "compose")["plan_hash"])
  })

  it("says the same on PostgreSQL", async () => {
    const [memory, postgres] = [
      await runMain(["--no-refusals"]),
      await runMain(["--no-refusals", "--database", "embedded"])
    ]
    const comparable = (lines: typeof memory) =>
      lines.filter(({ name }) => name === "ingest" || name === "promote" || name === "compose").map((line) => ({
        ...line,
        milliseconds: 0,
        verdicts: []
      }))
    assert.deepStrictEqual(comparable(memory), comparable(postgres))
  })

  it("records the version once when it is killed between the webhook's answer and the ingest", async () => {
    await withState(async (state) => {
      const args = ["--database", "embedded", "--state", state, "--no-refusals"]
      const killed = await killMainAt([...args, "--hold-before-ingest"], "waiting to be killed")
      assert.strictEqual(step(killed, "webhook")["status"], 202)
      const delivery = step(killed, "webhook")["delivery"]

      const lines = await runMain(args)
      assert.isTrue(lines.some(({ note }) => note === `resumed delivery ${String(delivery)}: processed`))
      assert.deepStrictEqual(done(lines)["versions"], [{
        version_string: "0.1.0",
        index_digest: step(killed, "push")["index_digest"],
        lifecycle_state: "live"
      }])
    })
  })

  it("signs with a cosign key pair, in both forms", async () => {
    await withState(async (state) => {
      const lines = await runMain(["--key", join(state, "cosign.key"), "--legacy", "--no-refusals"])
      assert.deepInclude(step(lines, "ingest"), { cosign_verified: true })
      assert.match(JSON.stringify(step(lines, "sign")), /sha256-[0-9a-f]{64}\.sig/)
    })
  })
})
