import { assert, describe, it } from "@effect/vitest"
import { Resolver } from "@lamina/core/composition/index"
import * as fc from "fast-check"
import * as Model from "./ResolverModel.ts"

const names = ["a", "b", "c", "d"]
const requirement = fc.tuple(fc.constantFrom(...names), fc.constantFrom("*", "^1", "^2", ">=1.1"))
  .map(([name, version]) => ({ name, version, optional: false }))
const version = fc.record({
  versionString: fc.constantFrom("1.0.0", "1.1.0", "2.0.0"),
  lifecycleState: fc.constantFrom("draft" as const, "staging" as const, "blessed" as const, "live" as const),
  dependencies: fc.record({
    requires: fc.array(requirement, { maxLength: 2 }),
    recommends: fc.constant([]),
    conflicts: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: fc.tuple(requirement) }),
    provides: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, fc.tuple(fc.constantFrom("t", "u")))
  })
})
const question = fc.record({
  roots: fc.subarray(names, { minLength: 1, maxLength: 2 }),
  catalogue: fc.tuple(
    ...names.map((moduleName) =>
      fc.uniqueArray(version, { selector: ({ versionString }) => versionString, minLength: 1, maxLength: 3 })
        .map((versions) => ({ moduleName, versions }))
    )
  )
})

const resolve = ({ catalogue, roots }: Model.Question) => {
  const { problems, selected } = Resolver.resolve({ roots: roots.map((moduleName) => ({ moduleName })), catalogue })
  const choice = new Map(selected.flatMap(({ moduleName, versionString }) => {
    const module = catalogue.find((one) => one.moduleName === moduleName)
    const chosen = module?.versions.find((one) => one.versionString === versionString)
    return chosen === undefined ? [] : [[moduleName, chosen] as const]
  }))
  return { choice, isFine: problems.length === 0 }
}

const shown = (choice: Model.Choice): ReadonlyArray<string> =>
  [...choice].map(([name, { versionString }]) => `${name} ${versionString}`).sort()

describe("Resolver.resolve, beside a model that tries everything", () => {
  it("selects what is valid and best, or says that something is wrong", () => {
    fc.assert(
      fc.property(question, (of) => {
        const { choice, isFine } = resolve(of)
        if (!isFine) return
        assert.isTrue(Model.isValid(of, choice), "valid")
        assert.isTrue(Model.isStable(of, choice), "best")
      }),
      { numRuns: 1500 }
    )
  })

  it("finds the selection where there is one, and says what is wrong with it if something is", () => {
    fc.assert(
      fc.property(question, (of) => {
        const stable = Model.everyChoice(of).filter((choice) => Model.isStable(of, choice))
        const [only] = stable
        if (only === undefined || stable.length > 1) return
        const { choice, isFine } = resolve(of)
        assert.strictEqual(isFine, Model.isValid(of, only))
        if (isFine) assert.deepStrictEqual(shown(choice), shown(only))
      }),
      { numRuns: 1000 }
    )
  })
})
