import { assert, describe, it } from "@effect/vitest"
import { Actor, ApprovalRequest, Policy } from "@lamina/core"
import * as fc from "fast-check"

const policy = (rule: Partial<Policy.PolicyRule>, id = "p"): Policy.Policy => ({
  id,
  accountId: "account",
  rev: 1,
  createdAt: 0,
  name: id,
  action: "*",
  moduleName: "*",
  decision: "auto_approve",
  quorum: 1,
  lifetimeMillis: 60_000,
  ...rule
})

const anyPolicy: fc.Arbitrary<Policy.Policy> = fc.record({
  id: fc.uuid(),
  action: fc.constantFrom("*", "module_promote_to_*", "module_promote_to_live", "module_rollback"),
  moduleName: fc.constantFrom("*", "my-*", "my-redis", "nginx"),
  actorKind: fc.constantFrom(undefined, "person" as const, "automation" as const),
  decision: fc.constantFrom(...Policy.decisions),
  quorum: fc.integer({ min: 1, max: 5 }),
  lifetimeMillis: fc.integer({ min: 1000, max: 10_000_000 })
}).map(({ id, ...rule }) => policy(rule, id))

const anyQuestion: fc.Arbitrary<Policy.Question> = fc.record({
  action: fc.constantFrom<Policy.Action>("module_promote_to_staging", "module_promote_to_live", "module_rollback"),
  moduleName: fc.constantFrom("my-redis", "nginx", "postgres"),
  actor: fc.constantFrom(Actor.person("ada"), Actor.service("ci"), Actor.automation("poller"))
})

const strictness = (verdict: Policy.Verdict): number => Policy.decisions.indexOf(verdict.decision)

describe("Policy.decide", () => {
  it("requires an approval when no policy matches", () => {
    const question = { action: "module_promote_to_live", moduleName: "my-redis", actor: Actor.person("ada") } as const
    const verdict = Policy.decide([policy({ action: "module_rollback" })], question)
    assert.strictEqual(verdict.decision, "require_approval")
    assert.isUndefined(verdict.decidedBy)
    assert.deepStrictEqual(verdict.trace.map(({ matched, why }) => ({ matched, why })), [
      { matched: false, why: "is about module_rollback, not module_promote_to_live" }
    ])
  })

  it("lets the strictest policy win, whatever the order", () => {
    fc.assert(
      fc.property(fc.array(anyPolicy), anyQuestion, (policies, question) => {
        const verdict = Policy.decide(policies, question)
        const backwards = Policy.decide(policies.toReversed(), question)
        assert.strictEqual(verdict.decision, backwards.decision)
        assert.strictEqual(verdict.quorum, backwards.quorum)
        assert.strictEqual(verdict.lifetimeMillis, backwards.lifetimeMillis)
        const matched = verdict.trace.filter((line) => line.matched)
        for (const line of matched) {
          assert.isAtLeast(strictness(verdict), Policy.decisions.indexOf(line.decision))
        }
      })
    )
  })

  it("never gets laxer by another policy that matters beside one that matches already", () => {
    fc.assert(
      fc.property(fc.array(anyPolicy), anyPolicy, anyQuestion, (policies, added, question) => {
        const before = Policy.decide(policies, question)
        const after = Policy.decide([...policies, added], question)
        // The default is a wall for what nobody thought of, and a first policy is somebody's thought.
        if (before.decidedBy === undefined) return
        assert.isAtLeast(strictness(after), strictness(before))
        assert.isAtLeast(after.quorum, before.quorum)
        assert.isAtMost(after.lifetimeMillis, before.lifetimeMillis)
      }),
      { numRuns: 2000 }
    )
  })
})

describe("Policy.Wildcard", () => {
  it("means what the regular expression means that has .* for *", () => {
    const text = fc.string({ unit: fc.constantFrom("a", "b", "_"), maxLength: 12 })
    const pattern = fc.string({ unit: fc.constantFrom("a", "b", "_", "*"), maxLength: 8 })
    fc.assert(
      fc.property(pattern, text, (wildcard, subject) => {
        const expression = new RegExp(`^${wildcard.replaceAll("*", ".*")}$`)
        const question = { action: "module_rollback", moduleName: subject, actor: Actor.person("ada") } as const
        const [line] = Policy.decide([policy({ moduleName: wildcard })], question).trace
        assert.strictEqual(line?.matched, expression.test(subject))
      }),
      { numRuns: 5000 }
    )
  })
})

describe("ApprovalRequest", () => {
  const request: ApprovalRequest.ApprovalRequest = {
    id: "request",
    accountId: "account",
    rev: 3,
    action: "module_promote_to_live",
    subjectId: "version",
    subjectName: "my-redis 0.1.0",
    subjectDigest: "sha256:a",
    decidedOn: {},
    decidedOnHash: "sha256:b",
    verdict: Policy.decide([], {
      action: "module_promote_to_live",
      moduleName: "my-redis",
      actor: Actor.person("ada")
    }),
    quorum: 2,
    requestedBy: Actor.person("ada"),
    requestedAt: 0,
    expiresAt: 1000,
    state: "approved",
    votes: [
      { by: Actor.person("bob"), decision: "approve", at: 1 },
      { by: Actor.person("cleo"), decision: "approve", at: 2 }
    ]
  }
  const wanted = { decidedOnHash: "sha256:b", subjectDigest: "sha256:a", quorum: 2 }

  it("allows exactly what was decided on, until it expires", () => {
    assert.isTrue(ApprovalRequest.allows(request, wanted, 999))
    assert.isFalse(ApprovalRequest.allows(request, wanted, 1000))
    assert.isFalse(ApprovalRequest.allows(request, { ...wanted, decidedOnHash: "sha256:c" }, 0))
    assert.isFalse(ApprovalRequest.allows(request, { ...wanted, subjectDigest: "sha256:c" }, 0))
    assert.isFalse(ApprovalRequest.allows(request, { ...wanted, quorum: 3 }, 0))
    assert.isFalse(ApprovalRequest.allows({ ...request, state: "consumed" }, wanted, 0))
  })

  it("counts distinct people other than the one who asked", () => {
    const by = (...actors: ReadonlyArray<Actor.Actor>) => ({
      ...request,
      votes: actors.map((actor) => ({ by: actor, decision: "approve" as const, at: 0 }))
    })
    assert.strictEqual(ApprovalRequest.approvals(by(Actor.person("bob"), Actor.person("bob"))), 1)
    assert.strictEqual(ApprovalRequest.approvals(by(Actor.person("ada"), Actor.person("bob"))), 1)
    assert.strictEqual(ApprovalRequest.approvals(by(Actor.service("ci"), Actor.automation("poller"))), 0)
  })
})
