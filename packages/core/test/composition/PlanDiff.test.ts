import { assert, describe, it } from "@effect/vitest"
import { Composition, PlanDiff } from "@lamina/core/composition/index"
import { Build, Expect } from "@lamina/core/testing"
import * as fc from "fast-check"

const base: Build.ModuleDescription = {
  category: "system-base",
  rebootRequired: true,
  files: ["/etc/motd", "/etc/passwd"],
  specs: { fileSpec: ["/etc/**"] },
  provides: ["base.os"]
}
const redis: Build.ModuleDescription = {
  priority: 10,
  files: ["/etc/redis/redis.conf", "/usr/bin/redis-server"],
  specs: { fileSpec: ["/etc/redis/**", "/usr/bin/redis-*"] },
  services: [{ name: "redis", startCommand: "redis-server", exposedPorts: [{ port: 6379, protocol: "tcp" }] }],
  provides: ["kv"]
}

const planOf = (modules: { readonly [name: string]: Build.ModuleDescription }): Composition.CompositionPlan =>
  Composition.plan(Object.entries(modules).map(([name, described]) => Build.assignment(name, described)), "amd64")

const before = planOf({ "system-base": base, "my-redis": redis })
const diffTo = (modules: { readonly [name: string]: Build.ModuleDescription }) =>
  PlanDiff.between(before, planOf(modules))

describe("PlanDiff.between", () => {
  it("is empty for the same plan", () => {
    const diff = diffTo({ "my-redis": redis, "system-base": base })
    assert.isTrue(diff.isEmpty)
    assert.include(PlanDiff.render(diff), "nothing changes")
  })

  it("names what comes with a layer, and why", () => {
    const motd = { priority: 20, files: ["/etc/motd"], specs: { fileSpec: ["/etc/motd"] }, provides: ["motd"] }
    const diff = diffTo({ "system-base": base, "my-redis": redis, motd })
    Expect.changes(diff, {
      layers: ["+ motd"],
      paths: ["~ /etc/motd: system-base → motd"],
      capabilities: ["+ motd"],
      services: [],
      reboots: [],
      newConflicts: []
    })
    assert.deepStrictEqual(diff.paths[0]?.causes, [{ moduleName: "motd", what: "layer_added" }])
  })

  it("names what goes with a layer", () => {
    Expect.changes(diffTo({ "system-base": base }), {
      layers: ["- my-redis"],
      paths: ["- /etc/redis/redis.conf", "- /usr/bin/redis-server"],
      capabilities: ["- kv"],
      services: ["- my-redis/redis"],
      reboots: []
    })
  })

  it("tells another version from another build of the same one", () => {
    const rebuilt = { ...redis, files: [...redis.files ?? [], "/usr/bin/redis-cli"] }
    Expect.changes(diffTo({ "system-base": base, "my-redis": rebuilt }), {
      layers: ["~ my-redis: image"],
      paths: ["+ /usr/bin/redis-cli"]
    })
    Expect.changes(diffTo({ "system-base": base, "my-redis": { ...redis, versionString: "1.1.0" } }), {
      layers: ["~ my-redis: version, image"],
      paths: []
    })
  })

  it("says which layer moved past which, and not that all others moved", () => {
    const layers = (priorities: ReadonlyArray<number>) =>
      planOf(
        Object.fromEntries(["a", "b", "c", "d"].map((name, index) => [name, { priority: priorities[index] ?? 0 }]))
      )
    const diff = PlanDiff.between(layers([1, 2, 3, 4]), layers([9, 2, 3, 5]))
    assert.deepStrictEqual(
      diff.layers.map(({ aspects, moduleName, nowAbove, nowBelow }) => [moduleName, aspects, nowAbove, nowBelow]),
      [["a", ["priority", "order"], ["b", "c", "d"], []], ["d", ["priority", "order"], [], ["a"]]]
    )
  })

  it("says that other specs gave a path to another owner", () => {
    const greedy = { files: ["/etc/motd"], specs: { fileSpec: ["/etc/m*"] } }
    const from = planOf({ "system-base": base, greedy })
    const to = planOf({ "system-base": { ...base, specs: { fileSpec: ["/etc/motd"] } }, greedy })
    const [change] = PlanDiff.between(from, to).paths
    assert.deepStrictEqual([change?.from?.owner, change?.to?.owner], ["greedy", "system-base"])
    assert.deepStrictEqual(change?.causes, [{ moduleName: "system-base", what: "specs_changed" }])
  })

  it("says that a file is shadowed while its owner stays", () => {
    const over = { priority: 20, files: ["/etc/passwd"], specs: { fileSpec: ["/**"] } }
    const diff = diffTo({ "system-base": base, "my-redis": redis, over })
    Expect.changes(diff, {
      paths: ["~ /etc/passwd: system-base → system-base (seen: over)"],
      newConflicts: ["over hides /etc/passwd of system-base, whose claim is more specific"]
    })
    assert.strictEqual(diff.paths[0]?.kind, "visible_changed")
  })

  it("wants a reboot where a module that needs one comes, goes, or has another image or place", () => {
    const reboots = (modules: { readonly [name: string]: Build.ModuleDescription }) =>
      diffTo(modules).reboots.map(({ because, moduleName }) => `${moduleName} ${because}`)
    assert.deepStrictEqual(reboots({ "system-base": { ...base, versionString: "2.0.0" }, "my-redis": redis }), [
      "system-base changed"
    ])
    assert.deepStrictEqual(reboots({ "my-redis": redis }), ["system-base removed"])
    assert.deepStrictEqual(reboots({ "system-base": base, "my-redis": redis, kernel: { rebootRequired: true } }), [
      "kernel added"
    ])
    assert.deepStrictEqual(
      reboots({ "system-base": { ...base, category: "userland", priority: 999 }, "my-redis": redis }),
      [
        "system-base changed"
      ]
    )
    assert.deepStrictEqual(reboots({ "system-base": { ...base, rebootRequired: false }, "my-redis": redis }), [])
  })

  it("says which fields of a service change, and takes the order of keys and what is empty for nothing", () => {
    const service = redis.services?.[0] ?? { name: "redis" }
    const withService = (changed: typeof service) =>
      diffTo({ "system-base": base, "my-redis": { ...redis, services: [changed] } })
    Expect.changes(withService({ ...service, startCommand: "redis-server --save ''", env: { A: "1", B: "2" } }), {
      services: ["~ my-redis/redis: startCommand, env"],
      layers: []
    })
    Expect.changes(withService({ ...service, env: {}, capabilities: [], user: undefined }), { services: [] })
    const left = planOf({ a: { services: [{ name: "s", env: { A: "1", B: "2" } }] } })
    const right = planOf({ a: { services: [{ name: "s", env: { B: "2", A: "1" } }] } })
    assert.isTrue(PlanDiff.between(left, right).isEmpty)
  })

  it("names the parents of both sides where a child that got another one is why a path has another owner", () => {
    const plan = (parentModule: string, window: string) =>
      planOf({
        a: { files: ["/x/1"], specs: { fileSpec: ["/x/1"], dependencySpec: ["/x/**"] }, priority: 1 },
        b: { files: ["/x/1"], specs: { fileSpec: ["/x/*"] }, priority: 2 },
        c: { files: ["/x/1"], variety: "config", parentModule, priority: 3 },
        d: { specs: { dependencySpec: ["/x/**", window] } },
        top: { files: ["/x/1"], priority: 9 }
      })
    const [from, to] = [plan("a", "/q"), plan("d", "/r")]
    const diff = PlanDiff.between(from, to)
    assert.deepStrictEqual(diff.paths.map(({ causes }) => causes), [[
      { moduleName: "c", what: "specs_changed" },
      { moduleName: "d", what: "specs_changed" }
    ]])
    assert.deepStrictEqual(PlanDiff.between(to, from), PlanDiff.reverse(diff))
  })

  it("says which conflicts come and which are solved", () => {
    const evil = { files: ["/etc/passwd"] }
    const protecting = { ...base, specs: { protectedSpec: ["/etc/passwd"] } }
    const diff = PlanDiff.between(
      planOf({ "system-base": protecting, evil, a: { requires: ["ghost"] } }),
      planOf({ "system-base": protecting, a: { requires: ["ghost"] }, b: { provides: ["base.os"] } })
    )
    assert.deepStrictEqual(diff.conflicts.appeared.map(({ _tag }) => _tag), ["CapabilityClash"])
    assert.deepStrictEqual(diff.conflicts.solved.map(({ _tag }) => _tag), ["PathConflict"])
    assert.deepStrictEqual(diff.isBlocked, { from: true, to: true })
  })

  it("sees another architecture though nothing is in the plans", () => {
    const diff = PlanDiff.between(Composition.plan([], "amd64"), Composition.plan([], "arm64"))
    assert.isFalse(diff.isEmpty)
  })
})

describe("PlanDiff, for any two plans", () => {
  const names = ["a", "b", "c", "d"]
  const patterns = fc.subarray(["/x/**", "/x/1", "/x/*", "/**", "/y"], { maxLength: 2 })
  const description = fc.record({
    versionString: fc.constantFrom("1.0.0", "2.0.0"),
    priority: fc.integer({ min: 0, max: 3 }),
    rebootRequired: fc.boolean(),
    files: fc.subarray(["/x/1", "/x/2", "/y", "/z"]),
    specs: fc.record({ fileSpec: patterns, protectedSpec: patterns, mask: patterns, dependencySpec: patterns }),
    provides: fc.subarray(["t", "u"]),
    services: fc.uniqueArray(
      fc.record({ name: fc.constantFrom("s", "r"), startCommand: fc.constantFrom("one", "two") }, {
        noNullPrototype: true
      }),
      { selector: ({ name }) => name, maxLength: 2 }
    ),
    parent: fc.option(fc.constantFrom(...names), { nil: undefined })
  }).map(({ parent, ...described }): Build.ModuleDescription => ({
    ...described,
    ...(parent === undefined ? {} : { parentModule: parent, variety: "config" })
  }))
  const plan = fc.dictionary(fc.constantFrom(...names), description, { noNullPrototype: true }).map(planOf)

  it("is the reverse of what it is the other way round", () => {
    fc.assert(
      fc.property(plan, plan, (from, to) => {
        assert.deepStrictEqual(PlanDiff.reverse(PlanDiff.between(from, to)), PlanDiff.between(to, from))
      }),
      { numRuns: 500 }
    )
  })

  it("is empty between a plan and itself, and only then leaves the plan's hash alone", () => {
    fc.assert(
      fc.property(plan, plan, (from, to) => {
        assert.isTrue(PlanDiff.between(from, from).isEmpty)
        if (PlanDiff.between(from, to).isEmpty) assert.strictEqual(from.planHash, to.planHash)
      }),
      { numRuns: 500 }
    )
  })

  it("makes the second plan's layers, owners, capabilities and services of the first one's", () => {
    type Plan = Composition.CompositionPlan
    const applied = <A>(
      start: ReadonlyArray<readonly [string, A]>,
      changes: ReadonlyArray<readonly [string, A | undefined]>
    ) => {
      const state = new Map(start)
      for (const [key, value] of changes) {
        if (value === undefined) state.delete(key)
        else state.set(key, value)
      }
      return new Map([...state].sort(([left], [right]) => left < right ? -1 : 1))
    }
    const layersOf = ({ layers }: Plan) =>
      layers.map((layer) => [layer.moduleName, `${layer.versionString} ${layer.composefsDigest}`] as const)
    const ownersOf = ({ ownership }: Plan) =>
      ownership.paths.map(({ owner, path, shippedBy }) => [path, `${owner} ${shippedBy.at(-1)}`] as const)
    const capabilitiesOf = ({ capabilities }: Plan) =>
      capabilities.map(({ capability, providers }) => [capability, providers] as const)
    const servicesOf = ({ layers }: Plan) =>
      layers.flatMap(({ moduleName, services = [] }) =>
        services.map((service) => [`${moduleName}/${service.name}`, service] as const)
      )
    fc.assert(
      fc.property(plan, plan, (from, to) => {
        const diff = PlanDiff.between(from, to)
        const layers = diff.layers.map((one) =>
          [one.moduleName, one.to && `${one.to.versionString} ${one.to.composefsDigest}`] as const
        )
        const owners = diff.paths.map((one) => [one.path, one.to && `${one.to.owner} ${one.to.visible}`] as const)
        const capabilities = diff.capabilities.map((one) => [one.capability, one.to] as const)
        const services = diff.services.map((one) => [`${one.moduleName}/${one.service}`, one.to] as const)
        assert.deepStrictEqual(applied(layersOf(from), layers), applied(layersOf(to), []))
        assert.deepStrictEqual(applied(ownersOf(from), owners), applied(ownersOf(to), []))
        assert.deepStrictEqual(applied(capabilitiesOf(from), capabilities), applied(capabilitiesOf(to), []))
        assert.deepStrictEqual(applied(servicesOf(from), services), applied(servicesOf(to), []))
      }),
      { numRuns: 500 }
    )
  })

  it("has a cause for every path that changes", () => {
    fc.assert(
      fc.property(plan, plan, (from, to) => {
        for (const { causes, path } of PlanDiff.between(from, to).paths) assert.isNotEmpty(causes, path)
      }),
      { numRuns: 500 }
    )
  })
})

describe("PlanDiff.render", () => {
  it("prints what changes", () => {
    const from = planOf({ "system-base": base, "my-redis": redis, motd: { files: ["/etc/motd"] } })
    const to = planOf({
      "system-base": { ...base, versionString: "1.1.0", provides: ["kv"] },
      "my-redis": { ...redis, priority: 0, services: [{ name: "redis", startCommand: "valkey-server" }] },
      over: { priority: 20, files: ["/etc/motd"], specs: { fileSpec: ["/**"] } }
    })
    const digest = (plan: Composition.CompositionPlan, name: string) =>
      plan.layers.find(({ moduleName }) => moduleName === name)?.composefsDigest.slice(0, 19)
    assert.strictEqual(
      PlanDiff.render(PlanDiff.between(from, to)),
      `amd64, plan ${from.planHash.slice(0, 19)} → ${to.planHash.slice(0, 19)}, needs a REBOOT, now BLOCKED

layers
  -  motd         1.0.0          ${digest(from, "motd")}                        90000
  ~  my-redis     1.0.0          ${digest(from, "my-redis")}                        90010 → 90000
  +  over         1.0.0          ${digest(to, "over")}                        90020
  ~  system-base  1.0.0 → 1.1.0  ${digest(from, "system-base")} → ${
        digest(to, "system-base")
      }  10000          dependencies

reboots
  system-base  changed

services
  ~  my-redis/redis  startCommand, exposedPorts

capabilities
  -  base.os  system-base
  ~  kv       my-redis → system-base, my-redis

paths (1)
  ~  /etc/motd  system-base, the file of motd is seen → system-base, the file of over is seen  motd goes, over comes

new conflicts
  error: kv has more than one provider: system-base, my-redis
  warning: over hides /etc/motd of system-base, whose claim is more specific

solved conflicts
  warning: motd hides /etc/motd of system-base, whose claim is more specific
`
    )
  })

  it("tells thousands of paths by their directories", () => {
    const files = Array.from({ length: 5000 }, (_, index) => `/usr/lib/big/dir${index % 100}/file${index}`)
    const printed = PlanDiff.render(diffTo({ "system-base": base, "my-redis": redis, big: { files } }))
    assert.include(printed, "5000 files in /usr/lib/big  big  big comes")
    assert.isBelow(printed.length, 1000)
  })

  it("tells thousands of paths that lie a thousand directories deep", () => {
    const deep = "/d".repeat(1000)
    const files = Array.from({ length: 2000 }, (_, index) => `${deep}/${index}`)
    assert.include(PlanDiff.render(PlanDiff.between(planOf({}), planOf({ deep: { files } }))), `2000 files in ${deep}`)
  })

  it("says that another image was built though its composefs digest is the same", () => {
    const built = Build.assignment("a")
    const rebuilt = {
      ...built,
      artifacts: built.artifacts.map((artifact) => ({ ...artifact, manifestDigest: "sha256:00" }))
    }
    const diff = PlanDiff.between(Composition.plan([built], "amd64"), Composition.plan([rebuilt], "amd64"))
    assert.deepStrictEqual(diff.layers.map(({ aspects }) => aspects), [["image"]])
    assert.include(PlanDiff.render(diff), "other manifest or fs-verity digest")
  })

  it("lets no file name reach the terminal's controls", () => {
    const files = ["/etc/\u001b[2J\u202egnp.sh\n"]
    const printed = PlanDiff.render(diffTo({ "system-base": base, "my-redis": redis, evil: { files } }))
    assert.include(printed, "/etc/\\u{1b}[2J\\u{202e}gnp.sh\\u{a}")
  })
})
