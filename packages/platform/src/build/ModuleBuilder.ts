/**
 * Building a module from its repository: a dry run that only looks, and the build that makes image and file layer.
 *
 * @since 0.1.0
 */
import { Content, FsVerity, Image, Layer, Node, Tree } from "@lamina/composefs"
import { FileSpec, Glob, Manifest, ManifestIssue, type ModuleManifest, type ModuleSpecs } from "@lamina/core"
import { Digest } from "@lamina/oci"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { createHash } from "node:crypto"
import { mkdir } from "node:fs/promises"
import { join } from "node:path"
import * as ModuleConfig from "../artifact/ModuleConfig.ts"
import * as Sbom from "../artifact/Sbom.ts"
import type { BuiltArtifact, BuiltFile, BuiltModule } from "./BuiltModule.ts"
import * as ModuleRepository from "./ModuleRepository.ts"
import * as SourceCommit from "./SourceCommit.ts"

/**
 * A module cannot be built; `problems` are all of them.
 *
 * @category errors
 * @since 0.1.0
 */
export class BuildError extends Schema.TaggedError<BuildError>("@lamina/platform/build/BuildError")("BuildError", {
  directory: Schema.String,
  problems: Schema.Array(Schema.String)
}) {
  override get message(): string {
    return `cannot build ${this.directory}:\n${this.problems.map((problem) => `  ${problem}`).join("\n")}`
  }
}

/**
 * What a dry run found; no artifact was built.
 *
 * @category models
 * @since 0.1.0
 */
export interface DryRun {
  /** Whether `build` would go ahead. */
  readonly isBuildable: boolean
  readonly manifest: ModuleManifest.ModuleManifest | undefined
  readonly manifestIssues: ReadonlyArray<ManifestIssue.ManifestIssue>
  /** The issues with the lines that they are about, for a person at a terminal. */
  readonly renderedIssues: ReadonlyArray<string>
  readonly layoutIssues: ReadonlyArray<ModuleRepository.LayoutIssue>
  /** What the file spec selects from the root file system; empty while there are errors. */
  readonly files: ReadonlyArray<BuiltFile>
  /** Patterns of the file spec that no file of the root file system matches: misspelt, or of a package not installed here. */
  readonly unmatchedPatterns: ReadonlyArray<string>
  /** Why each other file of the root file system stays behind. */
  readonly leftOut: ReadonlyArray<{ readonly path: string; readonly reason: string }>
  readonly packages: ReadonlyArray<string>
  /** Bytes of the selected files. */
  readonly totalBytes: number
}

/**
 * Looks at a repository, and with `rootfs` at another root file system than the one inside of it.
 *
 * @category operations
 * @since 0.1.0
 */
export const dryRun = Effect.fn("ModuleBuilder.dryRun")(function*(
  directory: string,
  options: { readonly rootfs?: string | undefined } = {}
) {
  const repository = yield* ModuleRepository.read(directory)
  const manifest = manifestOf(repository)
  const manifestIssues = ModuleRepository.manifestIssues(repository)
  const source = Result.merge(repository.manifest).source
  const found = {
    manifest,
    manifestIssues,
    renderedIssues: manifestIssues.map((issue) => ManifestIssue.render(issue, source)),
    layoutIssues: repository.layoutIssues
  }
  if (manifest === undefined || ModuleRepository.errors(repository).length > 0) {
    const nothing = { files: [], leftOut: [], packages: [], unmatchedPatterns: [], totalBytes: 0 }
    return { ...found, ...nothing, isBuildable: false } satisfies DryRun
  }
  const spec = yield* compileSpec(directory, manifest.specs)
  const leftOut: Array<DryRun["leftOut"][number]> = []
  const { tree } = yield* scan(options.rootfs ?? repository.rootfs, spec, (path) => {
    leftOut.push({ path, reason: spec.explain(path).message })
  })
  const files = filesOf(tree)
  return {
    ...found,
    isBuildable: true,
    files,
    leftOut,
    unmatchedPatterns: unmatchedBy(files, manifest.specs.fileSpec),
    packages: manifest.specs.packageSpec,
    totalBytes: files.reduce((sum, { size }) => sum + size, 0)
  } satisfies DryRun
})

// Patterns are sound here: the file spec was compiled from them.
const unmatchedBy = (files: ReadonlyArray<BuiltFile>, patterns: ReadonlyArray<string>): ReadonlyArray<string> =>
  patterns.filter((pattern) =>
    Result.match(Glob.parse(pattern), {
      onSuccess: (glob) => !files.some(({ path }) => Glob.covers(glob, path)),
      onFailure: () => false
    })
  )

/**
 * What to build. The root file system is `rootfs/` of the repository for every architecture, unless `rootfs` names
 * others, as a CI that ran the Containerfile does.
 *
 * @category models
 * @since 0.1.0
 */
export interface BuildOptions {
  readonly directory: string
  /** A semantic version; the tag of the commit when absent. */
  readonly versionString?: string | undefined
  readonly architectures: ReadonlyArray<string>
  readonly rootfs?: Readonly<Record<string, string>> | undefined
  /** Where the file layers are written. */
  readonly outputDirectory: string
  /**
   * `normalized` (default): as git keeps files, that is with permissions 0644 or 0755, without empty directories and
   * hard links; everything belongs to root and has the time of the commit. `preserved`: as found, times no later than
   * the commit's; for root file systems that a builder made.
   */
  readonly metadata?: "normalized" | "preserved" | undefined
  /** Artifacts built so far, and of all. */
  readonly onProgress?: ((built: number, total: number) => void) | undefined
}

/**
 * Builds a module. The same commit gives the same digests, on any machine with the same zstd.
 *
 * @category operations
 * @since 0.1.0
 */
export const build = Effect.fn("ModuleBuilder.build")(function*(options: BuildOptions) {
  const { directory } = options
  const repository = yield* ModuleRepository.read(directory)
  const problems = ModuleRepository.errors(repository)
  const manifest = manifestOf(repository)
  if (manifest === undefined || problems.length > 0) return yield* new BuildError({ directory, problems })
  const spec = yield* compileSpec(directory, manifest.specs)
  const commit = yield* SourceCommit.find(directory)
  const versionString = yield* versionOf(options, commit)
  const architectures = yield* architecturesOf(options)
  yield* makeDirectory(options.outputDirectory)
  const artifacts: Array<BuiltArtifact> = []
  const shipped: Array<Sbom.ShippedFile> = []
  for (const source of sourcesOf(repository, architectures, options.rootfs)) {
    const output = join(options.outputDirectory, source.architectures.join("-"))
    const built = yield* buildTree(source.rootfs, spec, commit, output, options)
    shipped.push(...built.shipped)
    for (const architecture of source.architectures) {
      artifacts.push({ ...built.artifact, architecture })
      options.onProgress?.(artifacts.length, architectures.length)
    }
  }
  return {
    name: manifest.name,
    versionString,
    manifestText: Manifest.format(manifest),
    fingerprint: spec.fingerprint,
    gitSha: commit?.gitSha,
    builtAt: commit?.committedAt,
    artifacts,
    sbom: Sbom.encode({
      moduleName: manifest.name,
      versionString,
      description: manifest.description,
      license: manifest.license,
      packages: manifest.specs.packageSpec,
      files: shipped,
      builtAt: commit?.committedAt
    })
  } satisfies BuiltModule
})

const versionOf = (
  { directory, versionString = "" }: BuildOptions,
  commit: SourceCommit.SourceCommit | undefined
): Effect.Effect<string, BuildError> => {
  const version = versionString === "" ? commit?.versionTag?.replace(/^v/, "") : versionString
  if (version === undefined) return refuse(directory, "expected a version: tag the commit (v0.1.0), or give one")
  return ModuleConfig.isVersion(version)
    ? Effect.succeed(version)
    : refuse(directory, `expected a version such as 0.1.0 or 1.0.0-rc.1, got ${JSON.stringify(version.slice(0, 160))}`)
}

const architecturesOf = (
  { architectures, directory }: BuildOptions
): Effect.Effect<ReadonlyArray<string>, BuildError> => {
  const odd = architectures.find((architecture) => !ModuleConfig.isArchitecture(architecture))
  if (architectures.length === 0) return refuse(directory, "expected architectures such as amd64, got none")
  return odd === undefined
    ? Effect.succeed([...new Set(architectures)])
    : refuse(directory, `expected architectures such as amd64, got ${JSON.stringify(odd.slice(0, 160))}`)
}

const refuse = (directory: string, problem: string): Effect.Effect<never, BuildError> =>
  Effect.fail(new BuildError({ directory, problems: [problem] }))

const makeDirectory = (directory: string): Effect.Effect<void, BuildError> =>
  Effect.tryPromise({
    try: () => mkdir(directory, { recursive: true }),
    catch: (cause) => new BuildError({ directory, problems: [cause instanceof Error ? cause.message : String(cause)] })
  })

interface Source {
  readonly rootfs: string
  readonly architectures: ReadonlyArray<string>
}

// Architectures that share a root file system share everything but their manifest.
const sourcesOf = (
  repository: ModuleRepository.ModuleRepository,
  architectures: ReadonlyArray<string>,
  rootfs: BuildOptions["rootfs"]
): ReadonlyArray<Source> => {
  const byRootfs = new Map<string, Array<string>>()
  for (const architecture of architectures) {
    const path = rootfs?.[architecture] ?? repository.rootfs
    byRootfs.set(path, [...byRootfs.get(path) ?? [], architecture])
  }
  return Array.from(byRootfs, ([rootfs, architectures]) => ({ rootfs, architectures }))
}

const buildTree = Effect.fnUntraced(function*(
  rootfs: string,
  spec: FileSpec.FileSpec,
  commit: SourceCommit.SourceCommit | undefined,
  output: string,
  { directory, metadata = "normalized" }: BuildOptions
) {
  const latest = timestampOf(commit?.committedAt ?? 0)
  const scanned = metadata === "normalized"
    ? yield* scan(rootfs, spec, undefined, {
      owner: { uid: 0, gid: 0 },
      mtime: { exactly: latest },
      hardLinks: "separate"
    })
    : yield* scan(rootfs, spec, undefined, commit === undefined ? {} : { mtime: { atMost: latest } })
  const tree = metadata === "normalized" ? asGitKeepsIt(scanned.tree) : scanned.tree
  const image = Image.write(tree)
  if (Result.isFailure(image)) return yield* new BuildError({ directory, problems: [image.failure.message] })
  const path = `${output}.tar.zst`
  const info = yield* Layer.toFile(path, tree, scanned.contents)
  const artifact = {
    image: image.success,
    fileLayer: { path, info },
    composefsDigest: Digest.ofBytes(image.success),
    fsverityRootHash: FsVerity.format(FsVerity.digest(image.success)),
    files: filesOf(tree)
  }
  return { artifact, shipped: yield* hashFiles(tree, scanned.contents) }
})

const manifestOf = ({ manifest }: ModuleRepository.ModuleRepository): ModuleManifest.ModuleManifest | undefined =>
  Result.isSuccess(manifest) ? manifest.success.manifest : undefined

const compileSpec = (
  directory: string,
  specs: ModuleSpecs.ModuleSpecs
): Effect.Effect<FileSpec.FileSpec, BuildError> =>
  Result.match(FileSpec.compile(specs), {
    onSuccess: Effect.succeed,
    onFailure: (error) => Effect.fail(new BuildError({ directory, problems: error.message.split("\n") }))
  })

const scan = (
  rootfs: string,
  spec: FileSpec.FileSpec,
  onLeftOut?: (path: string) => void,
  options?: Pick<Tree.DirectoryOptions, "owner" | "mtime" | "hardLinks">
) =>
  Tree.fromDirectory(rootfs, {
    ...options,
    filter: (path, kind) => {
      const isSelected = spec.selects(path, kind === "directory" ? "directory" : "file")
      if (!isSelected && kind !== "directory") onLeftOut?.(path)
      return isSelected
    },
    // A dry run names what stays behind, therefore it looks everywhere.
    ...(onLeftOut === undefined ? { descend: spec.mayContain } : {})
  })

const timestampOf = (milliseconds: number): Node.Timestamp => ({
  seconds: BigInt(Math.floor(milliseconds / 1000)),
  nanoseconds: 0
})

// git keeps of permissions only whether a file is executable, and no empty directories; whatever else two checkouts of
// one commit differ by is the umask or the leftovers of whoever made them.
const asGitKeepsIt = (tree: Tree.Tree): Tree.Tree => {
  const kept = { root: withoutEmptyDirectories(tree.root) }
  return Tree.mapMetadata(kept, (metadata, path) => {
    const kind = Option.getOrUndefined(Tree.find(kept, path))?._tag
    if (kind === "Symlink") return { ...metadata, mode: 0o777 }
    const isExecutable = kind === "Directory" || (metadata.mode & 0o100) !== 0
    return { ...metadata, mode: isExecutable ? 0o755 : 0o644 }
  })
}

const withoutEmptyDirectories = (directory: Node.Directory): Node.Directory => {
  const entries = new Map<string, Node.Node>()
  for (const [name, node] of directory.entries) {
    const kept = node._tag === "Directory" ? withoutEmptyDirectories(node) : node
    if (kept._tag !== "Directory" || kept.entries.size > 0) entries.set(name, kept)
  }
  return { ...directory, entries }
}

const filesOf = (tree: Tree.Tree): ReadonlyArray<BuiltFile> =>
  Array.from(Tree.walk(tree)).flatMap(({ node, path }): ReadonlyArray<BuiltFile> => {
    switch (node._tag) {
      case "Directory":
        return []
      case "HardLink":
        return [{ path, size: 0, kind: "hard link" }]
      case "InlineFile":
        return [{ path, size: node.content.byteLength, kind: "file" }]
      case "ExternalFile":
        return [{ path, size: node.size, kind: "file" }]
      default: {
        const kind = Node.kindOf(node)
        return kind === "directory" ? [] : [{ path, size: 0, kind }]
      }
    }
  }).toSorted((left, right) => left.path < right.path ? -1 : 1)

const hashFiles = Effect.fnUntraced(function*(tree: Tree.Tree, contents: Content.ContentSource) {
  const hashed: Array<Sbom.ShippedFile> = []
  for (const { node, path } of Tree.walk(tree)) {
    if (node._tag === "InlineFile") {
      hashed.push({ path, sha256: createHash("sha256").update(node.content).digest("hex") })
    }
    if (node._tag === "ExternalFile" && node.digest !== undefined) {
      const hash = createHash("sha256")
      yield* Stream.runForEach(contents.open(node.digest), (chunk) => Effect.sync(() => void hash.update(chunk)))
      hashed.push({ path, sha256: hash.digest("hex") })
    }
  }
  return hashed
})
