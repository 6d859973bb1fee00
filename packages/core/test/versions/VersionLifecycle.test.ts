import { assert, describe, it } from "@effect/vitest"
import { Account, Actor, Refusal, VersionLifecycle } from "@lamina/core"
import * as Result from "effect/Result"
import * as fc from "fast-check"
import { readFileSync } from "node:fs"

type Facts = VersionLifecycle.Facts
type State = VersionLifecycle.VersionState

const specification = readFileSync(new URL("../../SPEC.md", import.meta.url), "utf8")

const rowsBelow = (heading: string): ReadonlyArray<ReadonlyArray<string>> => {
  const section = specification.split(`## ${heading}\n`)[1]?.split("\n## ")[0] ?? ""
  const cells = section.split("\n").filter((line) => line.startsWith("|"))
    .map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()))
  return cells.slice(2)
}

const steps = rowsBelow("Steps")

const commands: ReadonlyArray<VersionLifecycle.Command> = [
  { _tag: "Promote", to: "staging", releaseHold: false, allowDowngrade: false },
  { _tag: "Promote", to: "blessed", releaseHold: false, allowDowngrade: false },
  { _tag: "Promote", to: "live", releaseHold: false, allowDowngrade: false },
  { _tag: "RollBack" },
  { _tag: "Supersede" },
  { _tag: "Unpublish" },
  { _tag: "Demote" },
  { _tag: "Archive" },
  { _tag: "Restore" },
  { _tag: "Quarantine" },
  { _tag: "ReleaseQuarantine" },
  { _tag: "Pin" },
  { _tag: "Unpin" }
]

const flagCommands = ["Quarantine", "ReleaseQuarantine", "Pin", "Unpin"]

const strictRules: Account.PromotionRules = {
  requireSbom: true,
  requireVulnerabilityGate: true,
  minimumStagingMillis: 1000,
  minimumBlessedMillis: 1000
}

const spotless: Facts = {
  rules: strictRules,
  actor: Actor.person("ada"),
  versionString: "1.2.3",
  verificationFailures: [],
  millisSinceVerified: 0,
  millisInState: 1000,
  hasSbom: true,
  scan: { passed: true, detail: "" },
  dependencyProblems: [],
  hold: undefined,
  vetoed: false,
  wasLive: true,
  newerLive: undefined,
  references: [],
  liveFollowers: [],
  admission: { _tag: "Admitted" }
}

const clean = (lifecycleState: State["lifecycleState"]): State => ({
  lifecycleState,
  quarantined: false,
  pinned: false
})

/** For each guard of SPEC.md: a state and facts under which it alone does not hold. */
const breaking: Readonly<Record<string, { readonly facts?: Partial<Facts>; readonly state?: Partial<State> }>> = {
  verified: { facts: { verificationFailures: ["index: it is not signed"] } },
  freshlyVerified: { facts: { millisSinceVerified: VersionLifecycle.freshVerificationMillis + 1 } },
  notQuarantined: { state: { quarantined: true } },
  sbom: { facts: { hasSbom: false } },
  vulnerabilityGate: { facts: { scan: { passed: false, detail: "CVE-2026-1" } } },
  stagingTime: { facts: { millisInState: 999 } },
  blessedTime: { facts: { millisInState: 999 } },
  dependenciesReady: { facts: { dependencyProblems: ["system-base has no version at staging or beyond"] } },
  notHeld: { facts: { hold: { by: Actor.person("bob"), reason: "rolled back" } } },
  wasLive: { facts: { wasLive: false } },
  notVetoed: { facts: { vetoed: true } },
  noDowngrade: { facts: { newerLive: "2.0.0" } },
  notReferenced: { facts: { references: ["template edge names it"] } },
  noLiveFollowers: { facts: { liveFollowers: ["template edge follows live"] } },
  notPinned: { state: { pinned: true } },
  admitted: { facts: { admission: { _tag: "ApprovalMissing", action: "module_promote_to_live" } } }
}

const row = (command: VersionLifecycle.Command, from: string): ReadonlyArray<string> | undefined =>
  steps.find(([name, before, after]) =>
    name === command._tag && before === from && (command._tag !== "Promote" || command.to === after)
  )

describe("SPEC.md", () => {
  it("prints the whole table of steps", () => {
    const printed = VersionLifecycle.table.filter(({ from, to }) => from !== to).map((edge) => [
      edge.command,
      edge.from,
      edge.to,
      edge.guards.join(", ") || "none",
      `\`${edge.event}\``
    ])
    assert.deepStrictEqual(steps, printed)
  })

  it("describes every guard that a step has, and no other", () => {
    const described = rowsBelow("Guards").map(([guard]) => guard ?? "")
    const used = new Set(VersionLifecycle.table.flatMap(({ guards }) => guards))
    assert.deepStrictEqual(described.toSorted(), [...used].toSorted())
  })

  for (const lifecycleState of VersionLifecycle.states) {
    for (const command of commands) {
      const name = command._tag === "Promote" ? `Promote to ${command.to}` : command._tag
      const specified = row(command, lifecycleState)
      if (flagCommands.includes(command._tag)) continue

      it(`${name} in ${lifecycleState}: ${specified === undefined ? "no such step" : `to ${specified[2]}`}`, () => {
        const decided = VersionLifecycle.transition(clean(lifecycleState), command, spotless)
        if (specified === undefined) {
          assert.isTrue(Result.isFailure(decided))
          if (Result.isFailure(decided)) assert.deepStrictEqual(decided.failure.map(({ _tag }) => _tag), ["WrongState"])
          return
        }
        assert.isTrue(Result.isSuccess(decided))
        if (Result.isSuccess(decided)) {
          assert.strictEqual(decided.success.next.lifecycleState, specified[2])
          assert.strictEqual(`\`${decided.success.event}\``, specified[4])
        }
      })

      for (const guard of specified?.[3] === "none" ? [] : specified?.[3]?.split(", ") ?? []) {
        it(`${name} in ${lifecycleState} is refused, and only for that, when ${guard} does not hold`, () => {
          const broken = breaking[guard]
          const elseTags = rowsBelow("Guards").find(([described]) => described === guard)?.[2] ?? ""
          const decided = VersionLifecycle.transition({ ...clean(lifecycleState), ...broken?.state }, command, {
            ...spotless,
            ...broken?.facts
          })
          assert.isTrue(Result.isFailure(decided))
          if (Result.isFailure(decided)) {
            assert.strictEqual(decided.failure.length, 1)
            assert.include(elseTags, `\`${decided.failure[0]._tag}\``)
          }
        })
      }
    }
  }
})

const anyState: fc.Arbitrary<State> = fc.record({
  lifecycleState: fc.constantFrom(...VersionLifecycle.states),
  quarantined: fc.boolean(),
  pinned: fc.boolean()
})

const anyActor = fc.constantFrom(Actor.person("ada"), Actor.service("ci"), Actor.automation("poller"))

const anyFacts: fc.Arbitrary<Facts> = fc.record({
  rules: fc.record({
    requireSbom: fc.boolean(),
    requireVulnerabilityGate: fc.boolean(),
    minimumStagingMillis: fc.nat(2000),
    minimumBlessedMillis: fc.nat(2000)
  }),
  actor: anyActor,
  versionString: fc.constant("1.2.3"),
  verificationFailures: fc.subarray(["index: it is not signed", "amd64: it is not signed"]),
  millisSinceVerified: fc.nat(2 * VersionLifecycle.freshVerificationMillis),
  millisInState: fc.nat(3000),
  hasSbom: fc.boolean(),
  scan: fc.option(fc.record({ passed: fc.boolean(), detail: fc.string() }), { nil: undefined }),
  dependencyProblems: fc.subarray(["a is missing", "b is too low"]),
  hold: fc.option(fc.constant({ by: Actor.person("bob"), reason: "rolled back" }), { nil: undefined }),
  vetoed: fc.boolean(),
  wasLive: fc.boolean(),
  newerLive: fc.option(fc.constant("2.0.0"), { nil: undefined }),
  references: fc.subarray(["template a names it", "instance b runs it"]),
  liveFollowers: fc.subarray(["template a follows live"]),
  admission: fc.constantFrom<VersionLifecycle.Admission>(
    { _tag: "Admitted" },
    { _tag: "ApprovalMissing", action: "module_promote_to_live" },
    { _tag: "Blocked", action: "module_promote_to_live", policy: "freeze" }
  )
})

const anyCommand: fc.Arbitrary<VersionLifecycle.Command> = fc.oneof(
  fc.constantFrom(...commands),
  fc.record({
    _tag: fc.constant("Promote" as const),
    to: fc.constantFrom("staging" as const, "blessed" as const, "live" as const),
    releaseHold: fc.boolean(),
    allowDowngrade: fc.boolean()
  })
)

/** Removes what a refusal complains about, and nothing else. */
const remove = (refusal: Refusal.Refusal, state: State, facts: Facts): readonly [State, Facts] => {
  switch (refusal._tag) {
    case "NotVerified":
      return [state, { ...facts, verificationFailures: [] }]
    case "VerificationTooOld":
      return [state, { ...facts, millisSinceVerified: refusal.maximumMillis }]
    case "SbomMissing":
      return [state, { ...facts, hasSbom: true }]
    case "VulnerabilityGateClosed":
      return [state, { ...facts, scan: { passed: true, detail: "" } }]
    case "DependenciesNotReady":
      return [state, { ...facts, dependencyProblems: [] }]
    case "Quarantined":
      return [{ ...state, quarantined: false }, facts]
    case "Pinned":
      return [{ ...state, pinned: false }, facts]
    case "TooEarly":
      return [state, { ...facts, millisInState: refusal.minimumMillis }]
    case "Held":
      return [state, { ...facts, hold: undefined }]
    case "Vetoed":
      return [state, { ...facts, vetoed: false }]
    case "NeverLive":
      return [state, { ...facts, wasLive: true }]
    case "Downgrade":
      return [state, { ...facts, newerLive: undefined }]
    case "Referenced":
      return [state, { ...facts, references: [], liveFollowers: [] }]
    case "ApprovalMissing":
    case "Blocked":
      return [state, { ...facts, admission: { _tag: "Admitted" } }]
    case "WrongState":
      return [{ ...state, lifecycleState: refusal.allowedFrom[0] ?? state.lifecycleState }, facts]
  }
}

describe("VersionLifecycle.transition", () => {
  it("names every refusal: with all of them removed the step happens", () => {
    fc.assert(
      fc.property(anyState, anyCommand, anyFacts, (state, command, facts) => {
        const decided = VersionLifecycle.transition(state, command, facts)
        if (Result.isSuccess(decided) || decided.failure[0]._tag === "WrongState") return
        const [mendedState, mendedFacts] = decided.failure.reduce<readonly [State, Facts]>(
          ([nextState, nextFacts], refusal) => remove(refusal, nextState, nextFacts),
          [state, facts]
        )
        assert.isTrue(Result.isSuccess(VersionLifecycle.transition(mendedState, command, mendedFacts)))
      }),
      { numRuns: 3000 }
    )
  })

  it("refuses for good reasons only: with any one of them left the step does not happen", () => {
    fc.assert(
      fc.property(anyState, anyCommand, anyFacts, fc.nat(), (state, command, facts, seed) => {
        const decided = VersionLifecycle.transition(state, command, facts)
        if (Result.isSuccess(decided) || decided.failure[0]._tag === "WrongState") return
        const kept = seed % decided.failure.length
        const [mendedState, mendedFacts] = decided.failure.reduce<readonly [State, Facts]>(
          ([nextState, nextFacts], refusal, index) =>
            index === kept ? [nextState, nextFacts] : remove(refusal, nextState, nextFacts),
          [state, facts]
        )
        const again = VersionLifecycle.transition(mendedState, command, mendedFacts)
        assert.isTrue(Result.isFailure(again))
        if (Result.isFailure(again)) assert.deepStrictEqual([...again.failure], decided.failure.slice(kept, kept + 1))
      }),
      { numRuns: 3000 }
    )
  })

  it("moves along the table only, and changes a flag only by its own command", () => {
    fc.assert(
      fc.property(anyState, anyCommand, anyFacts, (state, command, facts) => {
        const decided = VersionLifecycle.transition(state, command, facts)
        if (Result.isFailure(decided)) return
        const { next } = decided.success
        assert.isTrue(
          VersionLifecycle.table.some(({ command: name, from, to }) =>
            name === command._tag && from === state.lifecycleState && to === next.lifecycleState
          )
        )
        if (next.quarantined !== state.quarantined) assert.include(["Quarantine", "ReleaseQuarantine"], command._tag)
        if (next.pinned !== state.pinned) assert.include(["Pin", "Unpin"], command._tag)
      }),
      { numRuns: 3000 }
    )
  })

  it("lets no version go forward that is not verified or is in quarantine", () => {
    fc.assert(
      fc.property(anyState, anyCommand, anyFacts, (state, command, facts) => {
        if (command._tag !== "Promote" && command._tag !== "RollBack" && command._tag !== "Restore") return
        if (facts.verificationFailures.length === 0 && !state.quarantined) return
        assert.isTrue(Result.isFailure(VersionLifecycle.transition(state, command, facts)))
      }),
      { numRuns: 3000 }
    )
  })

  it("lets only a person release a hold in passing", () => {
    const hold = { by: Actor.person("bob"), reason: "rolled back" }
    const command = { _tag: "Promote", to: "live", releaseHold: true, allowDowngrade: false } as const
    const decide = (actor: Actor.Actor) =>
      VersionLifecycle.transition(clean("blessed"), command, { ...spotless, hold, actor })
    assert.isTrue(Result.isSuccess(decide(Actor.person("ada"))))
    assert.isTrue(Result.isFailure(decide(Actor.service("ci"))))
    assert.isTrue(Result.isFailure(decide(Actor.automation("rollout"))))
  })
})

describe("Refusal.render", () => {
  it("says what was expected and what was found", () => {
    assert.strictEqual(
      Refusal.render({ _tag: "WrongState", command: "Promote", to: "live", from: "draft", allowedFrom: ["blessed"] }),
      "Promote to live needs a version in blessed, this one is in draft"
    )
    assert.strictEqual(
      Refusal.render({ _tag: "Downgrade", live: "2.0.0", candidate: "1.0.0" }),
      "live is 2.0.0, which is newer than 1.0.0; roll back, or allow the downgrade"
    )
  })
})
