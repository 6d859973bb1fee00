import { type BuiltModule, ModuleBuilder, SourceCommit } from "@lamina/platform"
import * as Effect from "effect/Effect"
import { join, relative } from "node:path"
import type { World } from "../World.ts"

/** A module repository on disk, and the version that it is built as. */
export interface Source {
  readonly directory: string
  readonly version: string | undefined
}

/** Looks at the repository: every issue of the manifest, the files and packages, no artifact. */
export const dryRun = ({ report }: World, { directory }: Source) =>
  report.step("dry run", () =>
    Effect.map(ModuleBuilder.dryRun(directory), (found) => {
      const warnings = [
        ...found.renderedIssues,
        ...found.layoutIssues.map(({ message, severity }) => `${severity}: ${message}`)
      ]
      return {
        ...found,
        report: {
          fields: {
            directory: relative(process.cwd(), directory) || ".",
            buildable: found.isBuildable,
            manifest_issues: found.manifestIssues,
            layout_issues: found.layoutIssues,
            files: found.files,
            left_out: found.leftOut,
            unmatched_patterns: found.unmatchedPatterns,
            packages: found.packages,
            total_bytes: found.totalBytes
          },
          lines: [
            found.manifest === undefined
              ? `manifest.yaml has errors`
              : `${found.manifest.name}: ${found.manifest.description ?? "no description"}`,
            ...warnings.flatMap((text) => text.split("\n")),
            ...found.files.map(({ path, size }) => `+ ${path} (${size} bytes)`),
            ...found.leftOut.map(({ reason }) => `- ${reason}`),
            ...found.unmatchedPatterns.map((pattern) => `warning: file_spec ${pattern} matches no file`),
            `packages: ${found.packages.join(", ") || "none"}`
          ]
        }
      }
    }))

/** Builds image and file layer for each architecture. */
export const build = (world: World, source: Source) =>
  world.report.step("build", (progress) =>
    Effect.map(makeTagged(world, source, "0.1.0", progress), (module) => ({
      module,
      report: {
        fields: {
          module: module.name,
          version: module.versionString,
          fingerprint: module.fingerprint,
          git_sha: module.gitSha ?? null,
          artifacts: module.artifacts.map((artifact) => ({
            architecture: artifact.architecture,
            composefs_digest: artifact.composefsDigest,
            fsverity_root_hash: artifact.fsverityRootHash,
            image_bytes: artifact.image.byteLength,
            file_layer_digest: artifact.fileLayer.info.digest,
            file_layer_bytes: artifact.fileLayer.info.size,
            files: artifact.files.length
          }))
        },
        lines: [
          `${module.name} ${module.versionString}, ${
            module.gitSha === undefined
              ? "from a directory without a commit of its own"
              : `commit ${module.gitSha.slice(0, 12)}`
          }`,
          ...module.artifacts.flatMap((artifact) => [
            `${artifact.architecture}  composefs_digest   ${artifact.composefsDigest}`,
            `${" ".repeat(artifact.architecture.length)}  fsverity_root_hash ${artifact.fsverityRootHash}`
          ])
        ]
      }
    })))

/** Builds under the version that a person gave, else that of the commit's tag, else a default. */
export const makeTagged = Effect.fnUntraced(function*(
  world: World,
  source: Source,
  defaultVersion: string,
  onProgress?: (built: number, total: number) => void
) {
  const commit = source.version === undefined ? yield* SourceCommit.find(source.directory) : undefined
  const version = source.version ?? (commit?.versionTag === undefined ? defaultVersion : undefined)
  return yield* make(world, source, version, onProgress)
})

/** Builds without a word. */
export const make = (
  { options, outputDirectory }: World,
  { directory }: Source,
  version: string | undefined,
  onProgress?: (built: number, total: number) => void
) =>
  ModuleBuilder.build({
    directory,
    versionString: version,
    architectures: options.architectures,
    outputDirectory: join(outputDirectory, crypto.randomUUID().slice(0, 8)),
    onProgress
  })

/** The module that was built, as the later steps pass it on. */
export type Built = BuiltModule.BuiltModule
