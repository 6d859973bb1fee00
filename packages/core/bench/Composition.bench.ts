// A template of 200 modules with 100,000 owned paths planned, compared with another one, and 5,000 modules resolved. There is
// no peer that does any of it: the goals of the project stand beside the figures.
import { Composition, PlanDiff, Requirement, Resolver } from "@lamina/core/composition/index"
import { ModuleSpecs } from "@lamina/core/specs/index"
import * as Result from "effect/Result"
import { contest, inProcess, report } from "lamina-bench"

const moduleCount = 200
const filesPerModule = 500

const assignmentOf = (module: number): Composition.Assignment => ({
  moduleName: `module-${module}`,
  versionString: "1.0.0",
  variety: "subscription",
  category: "userland",
  categoryPosition: 10 + module % 8 * 10,
  priority: module,
  rebootRequired: false,
  specs: ModuleSpecs.make({
    mask: [`/usr/lib/module${module}/dir19`],
    fileSpec: [
      `/usr/lib/module${module}/**`,
      `/etc/module${module}`,
      "/usr/share/common/**/file*",
      `/usr/bin/tool${module}*`
    ],
    protectedSpec: [`/usr/lib/module${module}/dir0`]
  }),
  dependencies: { ...Requirement.none, provides: [`capability-${module}`] },
  artifacts: [{
    architecture: "amd64",
    manifestDigest: `sha256:manifest${module}`,
    composefsDigest: `sha256:image${module}`,
    fsverityRootHash: `sha256:root${module}`,
    // Every fiftieth path is one that three other modules ship as well.
    files: Array.from({ length: filesPerModule }, (_, file) =>
      file % 50 === 49
        ? `/usr/share/common/dir${file}/file${module % 50}`
        : `/usr/lib/module${module}/dir${file % 20}/file${file}.so`)
  }]
})

const assignments = Array.from({ length: moduleCount }, (_, module) => assignmentOf(module))

const moduleTotal = 5000
const catalogue = Array.from({ length: moduleTotal }, (_, module): Resolver.ResolvableModule => ({
  moduleName: `module-${module}`,
  versions: ["1.0.0", "1.1.0", "1.2.0"].map((versionString) => ({
    versionString,
    lifecycleState: versionString === "1.2.0" ? "live" : "blessed",
    dependencies: {
      ...Requirement.none,
      requires: [1, 7, 13].map((step) => module + step).filter((needed) => needed < moduleTotal)
        .map((needed) => Result.getOrThrow(Requirement.parse(`module-${needed}@^1.0.0`)))
    }
  }))
}))

const plan = (): void => {
  const { ownership } = Composition.plan(assignments, "amd64")
  if (ownership.paths.length < 98_000) throw new Error("paths are missing from the plan")
}

const resolve = (): void => {
  const { problems, selected } = Resolver.resolve({ roots: [{ moduleName: "module-0" }], catalogue })
  if (problems.length > 0 || selected.length !== moduleTotal) throw new Error("the closure is not whole")
}

// Each module in another version, and every third one gone: a third of the paths goes, the rest stays whose it was.
const before = Composition.plan(assignments, "amd64")
const after = Composition.plan(
  assignments.filter((_, module) => module % 3 > 0).map((assignment) => ({ ...assignment, versionString: "1.1.0" })),
  "amd64"
)

const compare = (): void => {
  const { layers, paths } = PlanDiff.between(before, after)
  if (layers.length !== moduleCount || paths.length < 30_000) throw new Error("changes are missing")
}

report(
  `plan of ${moduleCount} modules, ${moduleCount * filesPerModule} files (goal: 0.100 s)`,
  await contest([
    inProcess("@lamina/core Composition.plan", plan, 5)
  ])
)
report(
  "difference of two such plans (goal: well under 1 s)",
  await contest([
    inProcess("@lamina/core PlanDiff.between", compare, 5)
  ])
)
report(
  `closure of ${moduleTotal} modules (goal: 0.050 s)`,
  await contest([
    inProcess("@lamina/core Resolver.resolve", resolve, 5)
  ])
)
