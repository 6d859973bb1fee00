import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as GitReference from "../GitReference.ts"
import type * as Event from "../WebhookEvent.ts"
import * as Wire from "./eventWire.ts"
import { type SchemaProblem, schemaProblem } from "./schemaProblem.ts"

type Read<A> = Result.Result<A, SchemaProblem>

/** Turns a document into an event; a text in place of an event says why the document is not understood. */
export interface EventReader {
  readonly discriminator: { readonly key: string; readonly values: ReadonlyArray<string> } | undefined
  readonly read: (document: unknown) => Read<Event.WebhookEvent | string>
}

const reader = <A>(
  schema: Schema.Codec<A, unknown>,
  toEvent: (payload: A) => Read<Event.WebhookEvent | string>,
  discriminator?: EventReader["discriminator"]
): EventReader => {
  const decode = Schema.decodeUnknownResult(schema)
  return {
    discriminator,
    read: (document) => decode(document).pipe(Result.mapError(schemaProblem), Result.flatMap(toEvent))
  }
}

const repositoryOf = (wire: typeof Wire.Push.Type["repository"]): Event.EventRepository => {
  const slash = wire.full_name.lastIndexOf("/")
  return {
    id: wire.id,
    fullName: wire.full_name,
    owner: wire.full_name.slice(0, slash),
    name: wire.full_name.slice(slash + 1),
    defaultBranch: wire.default_branch ?? undefined,
    htmlUrl: wire.html_url ?? undefined,
    cloneUrl: wire.clone_url ?? undefined,
    private: wire.private ?? undefined
  }
}

const userOf = (wire: { readonly id: number; readonly login: string } | null | undefined) =>
  wire === null || wire === undefined ? undefined : { id: wire.id, login: wire.login }

const referenceAt = (path: string, ref: string): Read<GitReference.GitReference> =>
  Result.mapError(GitReference.parse(ref), ({ problem }) => ({ path, problem }))

const commitOf = (id: string): string | undefined => /^0+$/.test(id) ? undefined : id

const readPush = (push: typeof Wire.Push.Type): Read<Event.WebhookEvent | string> =>
  Result.map(referenceAt("ref", push.ref), (reference) => {
    if (reference._tag === "Other") return `the reference ${reference.ref} is neither a tag nor a branch`
    const before = commitOf(push.before)
    const after = commitOf(push.after)
    const change = after === undefined ? "deleted" : before === undefined ? "created" : "moved"
    const common = {
      repository: repositoryOf(push.repository),
      sender: userOf(push.sender),
      ref: reference.ref,
      change,
      before,
      after
    } as const
    if (reference._tag === "Tag") return { _tag: "TagPush", ...common, tag: reference.name }
    const commits = (push.commits ?? []).map((commit) => ({
      id: commit.id,
      message: commit.message,
      added: commit.added ?? [],
      removed: commit.removed ?? [],
      modified: commit.modified ?? []
    }))
    return {
      _tag: "BranchPush",
      ...common,
      branch: reference.name,
      commits,
      totalCommits: push.total_commits ?? commits.length
    }
  })

// Gitea sends the short name here; hooks of the type `forgejo` send the full reference.
const shortName = (refType: "tag" | "branch", ref: string): Read<string> => {
  const prefix = refType === "tag" ? "refs/tags/" : "refs/heads/"
  const name = ref.startsWith(prefix) ? ref.slice(prefix.length) : ref
  return Result.map(referenceAt("ref", prefix + name), () => name)
}

const readCreate = (create: typeof Wire.Create.Type): Read<Event.Create> =>
  Result.map(shortName(create.ref_type, create.ref), (name) => ({
    _tag: "Create",
    repository: repositoryOf(create.repository),
    sender: userOf(create.sender),
    refType: create.ref_type,
    name,
    commit: create.sha
  }))

const readDelete = (deletion: typeof Wire.Delete.Type): Read<Event.Delete> =>
  Result.map(shortName(deletion.ref_type, deletion.ref), (name) => ({
    _tag: "Delete",
    repository: repositoryOf(deletion.repository),
    sender: userOf(deletion.sender),
    refType: deletion.ref_type,
    name
  }))

const readRelease = ({ action, release, repository, sender }: typeof Wire.Release.Type): Read<Event.Release> =>
  Result.map(referenceAt("release.tag_name", `refs/tags/${release.tag_name}`), () => ({
    _tag: "Release",
    repository: repositoryOf(repository),
    sender: userOf(sender),
    action,
    releaseId: release.id,
    tag: release.tag_name,
    title: release.name ?? undefined,
    draft: release.draft ?? false,
    prerelease: release.prerelease ?? false
  }))

const versionKind = (version: string): Event.Package["versionKind"] => {
  if (/^sha(?:256|512):[0-9a-f]+$/.test(version)) return "digest"
  // cosign's tag scheme for what is attached to an image, and the fallback tag of the referrers API.
  return /^sha(?:256|512)-[0-9a-f]{64,128}(?:\.[a-z]+)?$/.test(version) ? "attachment" : "tag"
}

const readPackage = ({ action, package: item, sender }: typeof Wire.Package.Type): Read<Event.Package> =>
  Result.succeed({
    _tag: "Package",
    sender: userOf(sender),
    action,
    packageId: item.id,
    owner: item.owner.login,
    type: item.type,
    name: item.name,
    version: item.version,
    versionKind: versionKind(item.version),
    repository: item.repository === null || item.repository === undefined ? undefined : repositoryOf(item.repository)
  })

// `build.yaml@refs/tags/v1`
const splitRunPath = (path: string): Read<readonly [string, GitReference.GitReference | undefined]> => {
  const at = path.indexOf("@refs/")
  if (at < 0) return Result.succeed([path, undefined])
  return Result.map(referenceAt("workflow_run.path", path.slice(at + 1)), (reference) => [path.slice(0, at), reference])
}

// Go's zero time, and the epoch in whatever zone the server has.
const timeOf = (text: string | null | undefined): string | undefined =>
  text === null || text === undefined || /^(?:0001|1969|1970)-/.test(text) ? undefined : text

const readWorkflowRun = (payload: typeof Wire.WorkflowRun.Type): Read<Event.WorkflowRun> => {
  const run = payload.workflow_run
  return Result.map(splitRunPath(run.path), ([workflow, reference]) => ({
    _tag: "WorkflowRun",
    repository: repositoryOf(payload.repository),
    sender: userOf(payload.sender),
    action: payload.action,
    runId: run.id,
    runNumber: run.run_number ?? undefined,
    runAttempt: run.run_attempt ?? undefined,
    workflow,
    reference,
    trigger: run.event ?? undefined,
    headSha: run.head_sha,
    headBranch: run.head_branch ?? undefined,
    status: run.status,
    conclusion: run.conclusion ?? undefined,
    htmlUrl: run.html_url ?? undefined,
    startedAt: timeOf(run.started_at),
    completedAt: timeOf(run.completed_at)
  }))
}

const readModuleCallback = (callback: typeof Wire.ModuleCallback.Type): Read<Event.ModuleCallback> =>
  Result.map(referenceAt("ref", callback.ref), (reference) => ({
    _tag: "ModuleCallback",
    repositoryFullName: callback.repository.full_name,
    reference,
    artifact: callback.artifact ?? undefined,
    fingerprint: callback.fingerprint ?? undefined
  }))

const readDiskImageCallback = (callback: typeof Wire.DiskImageCallback.Type): Read<Event.DiskImageCallback> =>
  Result.succeed({
    _tag: "DiskImageCallback",
    platformName: callback.platform_name,
    gitSha: callback.git_sha,
    sha256: callback.sha256.replace("sha256:", ""),
    sizeBytes: callback.size_bytes,
    ociRef: callback.oci_ref,
    arch: callback.arch ?? undefined,
    family: callback.family ?? undefined,
    firmwareRef: callback.firmware_ref ?? undefined,
    builtAt: callback.built_at ?? undefined,
    cosignIdentity: callback.cosign_identity ?? undefined,
    sbomUrl: callback.sbom_url ?? undefined
  })

const refTypes = { key: "ref_type", values: ["tag", "branch"] }

/** The native events that are understood, by their type. */
export const eventReaders: ReadonlyMap<string, EventReader> = new Map([
  ["push", reader(Wire.Push, readPush)],
  ["create", reader(Wire.Create, readCreate, refTypes)],
  ["delete", reader(Wire.Delete, readDelete, refTypes)],
  ["release", reader(Wire.Release, readRelease, { key: "action", values: ["published", "updated", "deleted"] })],
  ["package", reader(Wire.Package, readPackage, { key: "action", values: ["created", "deleted"] })],
  [
    "workflow_run",
    reader(Wire.WorkflowRun, readWorkflowRun, { key: "action", values: ["requested", "in_progress", "completed"] })
  ]
])

/** The callbacks of CI builds, by their kind. */
export const callbackReaders = {
  "module-callback": reader(Wire.ModuleCallback, readModuleCallback),
  "disk-image-callback": reader(Wire.DiskImageCallback, readDiskImageCallback)
} as const
