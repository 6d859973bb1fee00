import { assert, describe, it } from "@effect/vitest"
import { Drift, Heartbeat } from "@lamina/core"
import * as fc from "fast-check"

const digest = (letter: string) => `sha256:${letter.repeat(64)}`

const heartbeat = (
  runningModuleDigests: Readonly<Record<string, string>>,
  rest: Partial<Heartbeat.Heartbeat> = {}
): Heartbeat.Heartbeat => ({
  id: "instance",
  accountId: "account",
  rev: 1,
  bootId: "boot",
  bootedAt: 0,
  sequence: 1,
  runningModuleDigests,
  verificationFailures: [],
  observedPlanHash: "plan",
  receivedAt: 1000,
  ...rest
})

const desired = (digests: Readonly<Record<string, string>>, since = 0): Drift.Desired => ({
  digests: new Map(Object.entries(digests)),
  planHash: "plan",
  since
})

const anyDigests = fc.dictionary(
  fc.constantFrom("base", "redis", "nginx", "app"),
  fc.constantFrom("a", "b").map(digest)
)

describe("Drift.compare", () => {
  it("finds no drift in what runs exactly as desired", () => {
    fc.assert(
      fc.property(anyDigests, (digests) => {
        const report = Drift.compare(desired(digests), heartbeat(digests), 1000)
        assert.strictEqual(report.class, "in_sync")
        assert.isFalse(report.drift)
      })
    )
  })

  it("reports the difference exactly", () => {
    fc.assert(
      fc.property(anyDigests, anyDigests, (wanted, running) => {
        const report = Drift.compare(desired(wanted), heartbeat(running), 1000)
        const rebuilt = new Map(Object.entries(wanted))
        for (const { moduleName } of report.missing) rebuilt.delete(moduleName)
        for (const { moduleName, composefsDigest } of report.extra) rebuilt.set(moduleName, composefsDigest)
        for (const { moduleName, running } of report.mismatched) rebuilt.set(moduleName, running)
        assert.deepStrictEqual(Object.fromEntries(rebuilt), { ...running })
        assert.strictEqual(report.drift, JSON.stringify(sorted(wanted)) !== JSON.stringify(sorted(running)))
      })
    )
  })

  it("waits for an instance that has not taken up the change, and no longer than the grace period", () => {
    const behind = heartbeat({ base: digest("a") }, { observedPlanHash: "earlier" })
    const change = desired({ base: digest("b") }, 500)
    const patience = { graceMillis: 1000, staleMillis: 10_000 }
    assert.strictEqual(Drift.compare(change, behind, 1500, patience).class, "pending")
    assert.strictEqual(Drift.compare(change, behind, 1501, patience).class, "drifted")
  })

  it("finds drift at once in an instance that knows better", () => {
    const report = Drift.compare(desired({ base: digest("b") }, 900), heartbeat({ base: digest("a") }), 1000)
    assert.strictEqual(report.class, "drifted")
    assert.deepStrictEqual(report.mismatched, [{ moduleName: "base", desired: digest("b"), running: digest("a") }])
  })

  it("counts a module that the agent refused to run", () => {
    const refused = heartbeat({}, { verificationFailures: [{ moduleName: "base", reason: "root hash differs" }] })
    const report = Drift.compare(desired({ base: digest("a") }), refused, 1000)
    assert.isTrue(report.drift)
    assert.deepStrictEqual(report.verificationFailed, [{ moduleName: "base", reason: "root hash differs" }])
  })

  it("says stale after three missed heartbeats and unknown before the first", () => {
    const wanted = desired({ base: digest("a") })
    const running = heartbeat({ base: digest("a") })
    assert.strictEqual(Drift.compare(wanted, running, 1000 + 90_000).class, "in_sync")
    assert.strictEqual(Drift.compare(wanted, running, 1000 + 90_001).class, "stale")
    assert.strictEqual(Drift.compare(wanted, undefined, 0).class, "unknown")
  })
})

describe("Heartbeat.isNewer", () => {
  const last = { bootId: "one", bootedAt: 100, sequence: 7 }

  it("orders reports of a boot by their sequence", () => {
    assert.isTrue(Heartbeat.isNewer({ ...last, sequence: 8 }, last))
    assert.isFalse(Heartbeat.isNewer(last, last))
    assert.isFalse(Heartbeat.isNewer({ ...last, sequence: 6 }, last))
  })

  it("orders boots by when they began, whatever their sequences", () => {
    assert.isTrue(Heartbeat.isNewer({ bootId: "two", bootedAt: 200, sequence: 1 }, last))
    assert.isFalse(Heartbeat.isNewer({ bootId: "zero", bootedAt: 50, sequence: 99 }, last))
  })
})

const sorted = (digests: Readonly<Record<string, string>>) =>
  Object.entries(digests).toSorted(([left], [right]) => left < right ? -1 : 1)
