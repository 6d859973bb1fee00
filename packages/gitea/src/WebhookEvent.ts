/**
 * What a verified webhook says: one tagged union for the events and callbacks that are understood, and `UnknownEvent`
 * for the rest.
 *
 * An event is a hint. The header that names its type is not signed, and the payload tells what was true when it was
 * sent: read tags, digests and run states again from the registry and the API before acting.
 *
 * @since 0.1.0
 */
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type * as GitReference from "./GitReference.ts"
import { callbackReaders, type EventReader, eventReaders } from "./internal/eventReaders.ts"
import { parseJson } from "./internal/json.ts"
import * as WebhookHeaders from "./WebhookHeaders.ts"
import type * as WebhookKind from "./WebhookKind.ts"

/**
 * A repository as events name it; `fullName` is `owner/name`.
 *
 * @category models
 * @since 0.1.0
 */
export interface EventRepository {
  readonly id: number
  readonly fullName: string
  readonly owner: string
  readonly name: string
  readonly defaultBranch: string | undefined
  readonly htmlUrl: string | undefined
  readonly cloneUrl: string | undefined
  readonly private: boolean | undefined
}

/**
 * Who caused an event; CI jobs have the id −2.
 *
 * @category models
 * @since 0.1.0
 */
export interface EventUser {
  readonly id: number
  readonly login: string
}

/**
 * What a push did to its reference. `moved` for a tag means that it now names another commit.
 *
 * @category models
 * @since 0.1.0
 */
export type RefChange = "created" | "moved" | "deleted"

/**
 * A push of a tag; `after` is undefined when the tag was deleted.
 *
 * Gitea sends a `create` event for the same push; take one of the two.
 *
 * @category models
 * @since 0.1.0
 */
export interface TagPush {
  readonly _tag: "TagPush"
  readonly repository: EventRepository
  readonly sender: EventUser | undefined
  readonly ref: string
  readonly tag: string
  readonly change: RefChange
  readonly before: string | undefined
  readonly after: string | undefined
}

/**
 * A push to a branch. Gitea cuts `commits` to five; `totalCommits` tells how many there were.
 *
 * @category models
 * @since 0.1.0
 */
export interface BranchPush {
  readonly _tag: "BranchPush"
  readonly repository: EventRepository
  readonly sender: EventUser | undefined
  readonly ref: string
  readonly branch: string
  readonly change: RefChange
  readonly before: string | undefined
  readonly after: string | undefined
  readonly commits: ReadonlyArray<EventCommit>
  readonly totalCommits: number
}

/**
 * A commit of a push with the paths that it touched.
 *
 * @category models
 * @since 0.1.0
 */
export interface EventCommit {
  readonly id: string
  readonly message: string
  readonly added: ReadonlyArray<string>
  readonly removed: ReadonlyArray<string>
  readonly modified: ReadonlyArray<string>
}

/**
 * A tag or branch came to be; `name` is the short name.
 *
 * @category models
 * @since 0.1.0
 */
export interface Create {
  readonly _tag: "Create"
  readonly repository: EventRepository
  readonly sender: EventUser | undefined
  readonly refType: "tag" | "branch"
  readonly name: string
  readonly commit: string
}

/**
 * A tag or branch was deleted; `name` is the short name.
 *
 * @category models
 * @since 0.1.0
 */
export interface Delete {
  readonly _tag: "Delete"
  readonly repository: EventRepository
  readonly sender: EventUser | undefined
  readonly refType: "tag" | "branch"
  readonly name: string
}

/**
 * A release was published, changed or deleted.
 *
 * @category models
 * @since 0.1.0
 */
export interface Release {
  readonly _tag: "Release"
  readonly repository: EventRepository
  readonly sender: EventUser | undefined
  readonly action: "published" | "updated" | "deleted"
  readonly releaseId: number
  readonly tag: string
  readonly title: string | undefined
  readonly draft: boolean
  readonly prerelease: boolean
}

/**
 * A version of a package was pushed or deleted.
 *
 * For containers there is one event for each manifest, without its digest unless the version is one: `versionKind`
 * tells a tag from a digest and from an attachment (`sha256-<hex>.sig` and its kin). `repository` is only there when
 * the package is linked to one.
 *
 * @category models
 * @since 0.1.0
 */
export interface Package {
  readonly _tag: "Package"
  readonly sender: EventUser | undefined
  readonly action: "created" | "deleted"
  readonly packageId: number
  readonly owner: string
  readonly type: string
  readonly name: string
  readonly version: string
  readonly versionKind: "tag" | "digest" | "attachment"
  readonly repository: EventRepository | undefined
}

/**
 * A run of a workflow was asked for, started or ended.
 *
 * `reference` comes from the run's path: it is the only place that names the tag of a run that a tag started.
 * Times are RFC 3339 texts, undefined where Gitea sends its zero time.
 *
 * @category models
 * @since 0.1.0
 */
export interface WorkflowRun {
  readonly _tag: "WorkflowRun"
  readonly repository: EventRepository
  readonly sender: EventUser | undefined
  readonly action: "requested" | "in_progress" | "completed"
  readonly runId: number
  readonly runNumber: number | undefined
  readonly runAttempt: number | undefined
  readonly workflow: string
  readonly reference: GitReference.GitReference | undefined
  readonly trigger: string | undefined
  readonly headSha: string
  readonly headBranch: string | undefined
  readonly status: string
  readonly conclusion: string | undefined
  readonly htmlUrl: string | undefined
  readonly startedAt: string | undefined
  readonly completedAt: string | undefined
}

/**
 * The build of a module ended: `reference` is what it was built from. Only a `Tag` names a version.
 *
 * @category models
 * @since 0.1.0
 */
export interface ModuleCallback {
  readonly _tag: "ModuleCallback"
  readonly repositoryFullName: string
  readonly reference: GitReference.GitReference
  readonly artifact: string | undefined
  readonly fingerprint: string | undefined
}

/**
 * The build of a disk image ended. `sha256` is bare lower-case hex, `sizeBytes` the size of the image.
 *
 * @category models
 * @since 0.1.0
 */
export interface DiskImageCallback {
  readonly _tag: "DiskImageCallback"
  readonly platformName: string
  readonly gitSha: string
  readonly sha256: string
  readonly sizeBytes: number
  readonly ociRef: string
  readonly arch: string | undefined
  readonly family: string | undefined
  readonly firmwareRef: string | undefined
  readonly builtAt: string | undefined
  readonly cosignIdentity: string | undefined
  readonly sbomUrl: string | undefined
}

/**
 * An authentic event that is not understood: a type, an action or a reference of another sort. It is never an error.
 *
 * @category models
 * @since 0.1.0
 */
export interface UnknownEvent {
  readonly _tag: "UnknownEvent"
  readonly eventType: string
  readonly why: string
  readonly payload: unknown
}

/**
 * Every event.
 *
 * @category models
 * @since 0.1.0
 */
export type WebhookEvent =
  | TagPush
  | BranchPush
  | Create
  | Delete
  | Release
  | Package
  | WorkflowRun
  | ModuleCallback
  | DiskImageCallback
  | UnknownEvent

/**
 * A payload of a known type that lacks what is used of it; `path` names the place (`release.tag_name`), and is empty
 * for the document as a whole. Keep such a delivery aside: it was authentic.
 *
 * @category errors
 * @since 0.1.0
 */
export class MalformedEvent extends Schema.TaggedError<MalformedEvent>("@lamina/gitea/MalformedEvent")(
  "MalformedEvent",
  { eventType: Schema.String, path: Schema.String, problem: Schema.String }
) {
  override get message() {
    return `webhook ${this.eventType}: ${this.path === "" ? "payload" : this.path}: ${this.problem}`
  }
}

/**
 * A verified payload to read; {@link WebhookSignature.Verified} has `kind` and `payload`, and `eventType` comes from
 * {@link eventTypeOf}. All three can be stored and read again later.
 *
 * @category models
 * @since 0.1.0
 */
export interface ParseOptions {
  readonly kind: WebhookKind.WebhookKind
  readonly payload: Uint8Array
  /** Only looked at for `gitea-event`. */
  readonly eventType?: string | undefined
}

/**
 * The most levels of nesting that a payload may have.
 *
 * @category constants
 * @since 0.1.0
 */
export const maxDepth = 64

/**
 * The largest payload that is parsed, in bytes; Gitea's own log of deliveries stays below it.
 *
 * @category constants
 * @since 0.1.0
 */
export const maxPayloadBytes = 4 * 1024 * 1024

const eventTypeHeaders = [
  "x-gitea-event-type",
  "x-forgejo-event-type",
  "x-github-event-type",
  "x-gitea-event",
  "x-forgejo-event",
  "x-github-event"
]

/**
 * The type of a native event by its headers, or `undefined`.
 *
 * `…-Event-Type` goes first: `…-Event` is empty for package events on Forgejo and on Gitea before 1.24.
 *
 * @category parsing
 * @since 0.1.0
 */
export const eventTypeOf = (headers: WebhookHeaders.WebhookHeaders): string | undefined =>
  eventTypeHeaders
    .map((name) => WebhookHeaders.get(headers, name))
    .find((value) => value !== undefined && /^[a-z][a-z_]{0,63}$/.test(value))

/**
 * Reads a verified payload. Keys that are not known are ignored, missing ones that are not needed are `undefined`.
 *
 * @example
 * ```ts
 * import { WebhookEvent } from "@lamina/gitea"
 *
 * const event = WebhookEvent.parse({
 *   kind: "module-callback",
 *   payload: new TextEncoder().encode(`{"repository":{"full_name":"acme/redis"},"ref":"refs/tags/v0.1.0"}`)
 * })
 * ```
 *
 * @category parsing
 * @since 0.1.0
 */
export const parse = (options: ParseOptions): Result.Result<WebhookEvent, MalformedEvent> => {
  const eventType = options.kind === "gitea-event" ? options.eventType ?? "" : options.kind
  const malformed = ({ path, problem }: { readonly path: string; readonly problem: string }) =>
    new MalformedEvent({ eventType, path, problem })
  return parseJson(options.payload, { maxBytes: maxPayloadBytes, maxDepth }).pipe(
    Result.mapError((problem) => ({ path: "", problem })),
    Result.flatMap((document) => {
      const reader = readerOf(options.kind, eventType)
      if (reader === undefined) return Result.succeed(unknownEvent(eventType, document, "its type is not known"))
      const strange = strangeValue(reader, document)
      if (strange !== undefined) return Result.succeed(unknownEvent(eventType, document, strange))
      return Result.map(
        reader.read(document),
        (event) => typeof event === "string" ? unknownEvent(eventType, document, event) : event
      )
    }),
    Result.mapError(malformed)
  )
}

const unknownEvent = (eventType: string, payload: unknown, why: string): UnknownEvent => ({
  _tag: "UnknownEvent",
  eventType,
  why,
  payload
})

const readerOf = (kind: WebhookKind.WebhookKind, eventType: string): EventReader | undefined =>
  kind === "gitea-event" ? eventReaders.get(eventType) : callbackReaders[kind]

// A later server may add actions to a known event; that is news, not damage.
const strangeValue = ({ discriminator }: EventReader, document: unknown): string | undefined => {
  if (discriminator === undefined || !Predicate.isObject(document)) return undefined
  const value = document[discriminator.key]
  return typeof value === "string" && !discriminator.values.includes(value)
    ? `${discriminator.key} ${JSON.stringify(value.slice(0, 64))} is not known`
    : undefined
}

/**
 * The git tag that an event announces, or `undefined`: for a tag pushed, created or released, and for a module built
 * from a tag. A deletion announces nothing, and neither does a branch.
 *
 * @category getters
 * @since 0.1.0
 */
export const announcedTag = (event: WebhookEvent): string | undefined => {
  switch (event._tag) {
    case "TagPush":
      return event.change === "deleted" ? undefined : event.tag
    case "Create":
      return event.refType === "tag" ? event.name : undefined
    case "Release":
      return event.action === "deleted" || event.draft ? undefined : event.tag
    case "ModuleCallback":
      return event.reference._tag === "Tag" ? event.reference.name : undefined
    default:
      return undefined
  }
}
