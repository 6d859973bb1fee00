// Assignments for tests: everything has a default, digests follow from the name.
import { Composition, Requirement } from "@lamina/core/composition/index"
import { ModuleSpecs } from "@lamina/core/specs/index"
import { createHash } from "node:crypto"

const digest = (text: string): string => `sha256:${createHash("sha256").update(text).digest("hex")}`

interface Described extends Partial<Omit<Composition.Assignment, "specs" | "dependencies">> {
  readonly specs?: Partial<ModuleSpecs.ModuleSpecs>
  readonly dependencies?: Partial<Requirement.Dependencies>
  readonly files?: ReadonlyArray<string>
}

export const assignment = (moduleName: string, described: Described = {}): Composition.Assignment => {
  const { dependencies, files = [], specs, ...rest } = described
  return {
    moduleName,
    versionString: "1.0.0",
    variety: "subscription",
    category: "userland",
    categoryPosition: 90,
    priority: 0,
    rebootRequired: false,
    artifacts: ["amd64", "arm64"].map((architecture) => ({
      architecture,
      manifestDigest: digest(`manifest ${moduleName} ${architecture}`),
      composefsDigest: digest(`image ${moduleName} ${architecture}`),
      fsverityRootHash: digest(`verity ${moduleName} ${architecture}`),
      files
    })),
    ...rest,
    specs: ModuleSpecs.make(specs ?? {}),
    dependencies: { ...Requirement.none, ...dependencies }
  }
}

export const requires = (...texts: ReadonlyArray<string>): ReadonlyArray<Requirement.Requirement> =>
  texts.map((text) => {
    const [name = "", version] = text.split("@")
    return { name, version, optional: false }
  })
