import { assert, describe, it } from "@effect/vitest"
import { Requirement, Resolver } from "@lamina/core/composition/index"
import { Build } from "@lamina/core/testing"
import * as fc from "fast-check"

const requires = (...texts: ReadonlyArray<string>) => Build.requirements(texts)

const version = (
  versionString: string,
  dependencies: Partial<Requirement.Dependencies> = {},
  lifecycleState: Resolver.ResolvableVersion["lifecycleState"] = "live"
): Resolver.ResolvableVersion => ({
  versionString,
  lifecycleState,
  dependencies: { ...Requirement.none, ...dependencies }
})

const module = (
  moduleName: string,
  ...versions: ReadonlyArray<Resolver.ResolvableVersion>
): Resolver.ResolvableModule => ({ moduleName, versions })

const resolve = (roots: ReadonlyArray<string>, ...catalogue: ReadonlyArray<Resolver.ResolvableModule>) =>
  Resolver.resolve({ roots: roots.map((moduleName) => ({ moduleName })), catalogue })

const chosen = ({ selected }: Resolver.Resolution) =>
  selected.map(({ moduleName, versionString }) => `${moduleName} ${versionString}`)
const messages = ({ problems }: Resolver.Resolution) =>
  problems.map(({ message, severity }) => `${severity}: ${message}`)

describe("Resolver.resolve", () => {
  it("takes along what is required, each after what it needs", () => {
    const result = resolve(
      ["web"],
      module("web", version("1.0.0", { requires: requires("powernode/nginx@^1", "base") })),
      module("nginx", version("1.2.0", { requires: requires("base@^1") })),
      module("base", version("1.0.0")),
      module("unrelated", version("1.0.0"))
    )
    assert.deepStrictEqual(chosen(result), ["base 1.0.0", "nginx 1.2.0", "web 1.0.0"])
    assert.deepStrictEqual(messages(result), [])
    assert.deepStrictEqual(result.selected.map(({ requiredBy }) => requiredBy), ["web", "web", undefined])
  })

  it("chooses a version that every dependent accepts, though a newer one is live", () => {
    const result = resolve(
      ["a", "b"],
      module("a", version("1.0.0", { requires: requires("lib@>=1") })),
      module("b", version("1.0.0", { requires: requires("lib@^1") })),
      module("lib", version("2.0.0"), version("1.5.0", {}, "blessed"), version("1.9.0", {}, "staging"))
    )
    assert.deepStrictEqual(chosen(result), ["lib 1.5.0", "a 1.0.0", "b 1.0.0"])
  })

  it("says of a missing module who asks for it", () => {
    assert.deepStrictEqual(
      messages(resolve(
        ["web", "ghost"],
        module("web", version("1.0.0", { requires: requires("nginx") })),
        module("nginx", version("1.0.0", { requires: requires("openssl@^3") }))
      )),
      [
        "error: ghost is not in the catalogue",
        "error: web → nginx → openssl@^3: no module openssl is in the catalogue"
      ]
    )
  })

  it("says of a range that is not met which versions there are", () => {
    assert.deepStrictEqual(
      messages(resolve(
        ["web"],
        module("web", version("1.0.0", { requires: requires("nginx@^2") })),
        module("nginx", version("1.0.0"), version("1.1.0", {}, "staging"))
      )),
      [
        "error: web → nginx@^2: no usable version of nginx fits; there are 1.0.0 (live), 1.1.0 (staging); chosen is 1.0.0"
      ]
    )
  })

  it("says of a dependency below staging in which state it is", () => {
    const result = resolve(
      ["web"],
      module("web", version("1.0.0", { requires: requires("nginx") })),
      module("nginx", version("1.0.0", {}, "draft"))
    )
    assert.deepStrictEqual(messages(result), ["error: web → nginx: nginx 1.0.0 is draft, below staging"])
    assert.deepStrictEqual(result.problems[0]?._tag, "BelowStaging")
  })

  it("shows the loop of a cycle", () => {
    const result = resolve(
      ["x"],
      module("x", version("1.0.0", { requires: requires("a") })),
      module("a", version("1.0.0", { requires: requires("b") })),
      module("b", version("1.0.0", { requires: requires("c") })),
      module("c", version("1.0.0", { requires: requires("a") }))
    )
    assert.deepStrictEqual(messages(result), [
      "error: a → b → c → a: these modules require each other in a circle"
    ])
    assert.deepStrictEqual(chosen(result).length, 4)
  })

  it("calls a module that requires itself a cycle", () => {
    assert.deepStrictEqual(messages(resolve(["a"], module("a", version("1.0.0", { requires: requires("a") })))), [
      "error: a → a: these modules require each other in a circle"
    ])
  })

  it("says of a conflict how both came in", () => {
    assert.deepStrictEqual(
      messages(resolve(
        ["web", "ci"],
        module("web", version("1.0.0", { requires: requires("nginx") })),
        module("nginx", version("1.0.0", { conflicts: requires("apache@<3") })),
        module("ci", version("1.0.0", { requires: requires("apache") })),
        module("apache", version("2.4.0"))
      )),
      ["error: web → nginx conflicts with apache@<3, which is here by ci → apache 2.4.0"]
    )
  })

  it("says of two providers of one capability how they came in", () => {
    assert.deepStrictEqual(
      messages(resolve(
        ["nginx", "shop"],
        module("nginx", version("1.0.0", { provides: ["http.port:80"] })),
        module("shop", version("1.0.0", { requires: requires("apache") })),
        module("apache", version("2.4.0", { provides: ["http.port:80"] }))
      )),
      ["error: http.port:80 has more than one provider: shop → apache; nginx"]
    )
  })

  it("says of a wanted module that no version is on its channel", () => {
    assert.deepStrictEqual(messages(resolve(["web"], module("web", version("1.0.0", {}, "staging")))), [
      "error: web has no version for the channel live"
    ])
  })

  it("takes recommended modules along, and only warns of those that cannot come", () => {
    const catalogue = [
      module("web", version("1.0.0", { recommends: requires("metrics", "tracing@^2", "ghost") })),
      module("metrics", version("1.0.0")),
      module("tracing", version("1.0.0"))
    ]
    const result = resolve(["web"], ...catalogue)
    assert.deepStrictEqual(chosen(result), ["metrics 1.0.0", "web 1.0.0"])
    assert.deepStrictEqual(messages(result), [
      "warning: web → ghost: no module ghost is in the catalogue",
      "warning: web → tracing@^2: no usable version of tracing fits; there are 1.0.0 (live)"
    ])
    assert.deepStrictEqual(
      chosen(Resolver.resolve({ roots: [{ moduleName: "web" }], catalogue, recommended: false })),
      ["web 1.0.0"]
    )
  })

  it("leaves out a recommended module that would bring a problem with it", () => {
    const result = resolve(
      ["web"],
      module("web", version("1.0.0", { recommends: requires("metrics", "tracing", "cache"), provides: ["http"] })),
      module("metrics", version("1.0.0", { requires: requires("agent") })),
      module("agent", version("1.0.0", {}, "draft")),
      module("tracing", version("1.0.0", { conflicts: requires("web") })),
      module("cache", version("1.0.0", { provides: ["http"] }))
    )
    assert.deepStrictEqual(chosen(result), ["web 1.0.0"])
    assert.deepStrictEqual(messages(result), [
      "warning: http has more than one provider: web → cache; web; cache is only recommended and is left out",
      "warning: web → metrics → agent: agent 1.0.0 is draft, below staging; metrics is only recommended and is left out",
      "warning: web → tracing conflicts with web, which is here by web 1.0.0; tracing is only recommended and is left out"
    ])
  })

  it("does not let what is only recommended keep a needed version away", () => {
    const result = resolve(
      ["web"],
      module("web", version("1.0.0", { requires: requires("lib@^1"), recommends: requires("metrics") })),
      module("metrics", version("1.0.0", { requires: requires("lib@^2") })),
      module("lib", version("2.0.0"), version("1.0.0", {}, "blessed"))
    )
    assert.deepStrictEqual(chosen(result), ["lib 1.0.0", "web 1.0.0"])
    assert.deepStrictEqual(result.problems.map(({ severity }) => severity), ["warning"])
  })

  it("calls it an error that what is both required and recommended is missing", () => {
    const wishes = { requires: requires("ghost"), recommends: requires("ghost") }
    assert.deepStrictEqual(messages(resolve(["web"], module("web", version("1.0.0", wishes)))), [
      "error: web → ghost: no module ghost is in the catalogue"
    ])
  })

  it("goes through a chain of 20,000 modules", () => {
    const catalogue = Array.from(
      { length: 20_000 },
      (_, index) => module(`m${index}`, version("1.0.0", { requires: requires(`m${index + 1}`) }))
    )
    const result = resolve(["m0"], ...catalogue, module("m20000", version("1.0.0")))
    assert.strictEqual(result.selected.length, 20_001)
    assert.deepStrictEqual(result.problems, [])
  })

  const names = ["a", "b", "c", "d", "e"]
  const requirement = fc.tuple(fc.constantFrom(...names, "ghost"), fc.constantFrom("*", "^1", "^2", ">=1.1"))
    .map(([name, range]) => ({ name, version: range, optional: false }))
  const catalogue = fc.array(
    fc.record({
      moduleName: fc.constantFrom(...names),
      versions: fc.uniqueArray(
        fc.record({
          versionString: fc.constantFrom("1.0.0", "1.1.0", "2.0.0"),
          lifecycleState: fc.constantFrom("draft" as const, "staging" as const, "blessed" as const, "live" as const),
          dependencies: fc.record({
            requires: fc.array(requirement, { maxLength: 2 }),
            recommends: fc.array(requirement, { maxLength: 1 }),
            conflicts: fc.array(requirement, { maxLength: 1 }),
            provides: fc.array(fc.constantFrom("t", "u"), { maxLength: 1 })
          })
        }),
        { selector: ({ versionString }) => versionString, maxLength: 3 }
      )
    }),
    { maxLength: 5 }
  ).map((modules) => [...new Map(modules.map((one) => [one.moduleName, one])).values()])

  it("is right about what it selects when it reports no error", () => {
    fc.assert(
      fc.property(catalogue, fc.subarray(names, { minLength: 1 }), (modules, roots) => {
        const result = resolve(roots, ...modules)
        if (result.problems.some(({ severity }) => severity === "error")) return
        const versionOf = new Map(result.selected.map((one) => [one.moduleName, one.versionString]))
        for (const root of roots) assert.isTrue(versionOf.has(root))
        for (const [position, { moduleName, versionString }] of result.selected.entries()) {
          const from = modules.find((one) => one.moduleName === moduleName)
          const of = from?.versions.find((one) => one.versionString === versionString)
          assert.notStrictEqual(of?.lifecycleState, "draft")
          for (const refused of of?.dependencies.conflicts ?? []) {
            const other = versionOf.get(refused.name)
            assert.isFalse(refused.name !== moduleName && other !== undefined && Requirement.accepts(refused, other))
          }
          for (const need of of?.dependencies.requires ?? []) {
            assert.isTrue(Requirement.accepts(need, versionOf.get(need.name) ?? "none"))
            assert.isTrue(result.selected.slice(0, position).some((earlier) => earlier.moduleName === need.name))
          }
        }
      }),
      { numRuns: 3000 }
    )
  })

  it("does not depend on the order of anything that it is given", () => {
    const shuffled = <A>(of: ReadonlyArray<A>) => fc.shuffledSubarray([...of], { minLength: of.length })
    const shuffledVersion = (of: Resolver.ResolvableVersion) =>
      fc.record({
        requires: shuffled(of.dependencies.requires),
        recommends: shuffled(of.dependencies.recommends),
        conflicts: shuffled(of.dependencies.conflicts),
        provides: shuffled(of.dependencies.provides)
      }).map((dependencies): Resolver.ResolvableVersion => ({ ...of, dependencies }))
    const shuffledModule = (of: Resolver.ResolvableModule) =>
      fc.tuple(...of.versions.map(shuffledVersion)).chain(shuffled).map((versions) => ({ ...of, versions }))
    const both = fc.tuple(catalogue, fc.subarray(names)).chain(([modules, roots]) =>
      fc.tuple(
        fc.constant({ modules, roots }),
        fc.record({ modules: fc.tuple(...modules.map(shuffledModule)).chain(shuffled), roots: shuffled(roots) })
      )
    )
    fc.assert(
      fc.property(both, ([one, other]) => {
        assert.deepStrictEqual(resolve(other.roots, ...other.modules), resolve(one.roots, ...one.modules))
      }),
      { numRuns: 1500 }
    )
  })
})
