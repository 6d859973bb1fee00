/**
 * The platform for hosts without Effect: the same operations as promises, with `AbortSignal` and `await using`.
 *
 * A promise rejects with the operation's error itself, a value with `_tag` and, where there are many causes, `reason`.
 *
 * @since 0.1.0
 */
import {
  Accounts,
  Approvals,
  Collections,
  type Event,
  Events,
  Fleet,
  ModuleCatalog,
  ModuleDeletion,
  ModuleIngest,
  ModulePresence,
  Promotion,
  TemplateComposition,
  Templates,
  WebhookEndpoints,
  WebhookInbox,
  WebhookWorker
} from "@lamina/core"
import * as MemoryStorage from "@lamina/storage-memory/MemoryStorage"
import * as PostgresStorage from "@lamina/storage-postgres/PostgresStorage"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as EventRelay from "./EventRelay.ts"
import * as PlatformHandler from "./http/PlatformHandler.ts"
import * as Platform from "./Platform.ts"
import * as PlatformOptions from "./PlatformOptions.ts"
import * as WebhookWorkLoop from "./WebhookWorkLoop.ts"

/**
 * What every call takes beside its input.
 *
 * @category models
 * @since 0.1.0
 */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined
}

/**
 * How a worker works, and who is told of every event: at least once, after it was written. When `onEvent` rejects, the
 * event is offered again later. Without it events are only there to be read, by `events.list`.
 *
 * @category models
 * @since 0.1.0
 */
export interface WorkerOptions extends WebhookWorkLoop.Options {
  readonly onEvent?: ((event: Event.Event) => Promise<void> | void) | undefined
}

/**
 * A running platform. Close it, or let `await using` do so; the worker stops with it.
 *
 * @category models
 * @since 0.1.0
 */
export interface PlatformClient extends AsyncDisposable {
  readonly accounts: ReturnType<typeof operations>["accounts"]
  readonly modules: ReturnType<typeof operations>["modules"]
  readonly versions: ReturnType<typeof operations>["versions"]
  readonly approvals: ReturnType<typeof operations>["approvals"]
  readonly templates: ReturnType<typeof operations>["templates"]
  readonly fleet: ReturnType<typeof operations>["fleet"]
  readonly webhooks: ReturnType<typeof operations>["webhooks"]
  readonly events: ReturnType<typeof operations>["events"]
  /** Runs any effect that needs the platform's services. */
  readonly run: <A, E>(effect: Effect.Effect<A, E, Platform.Services>, options?: CallOptions) => Promise<A>
  /** A handler for REST, node agents and webhooks over the Web's `Request` and `Response`. */
  readonly handler: (options?: PlatformHandler.Options) => (request: Request) => Promise<Response>
  /** Works off what webhooks promised, until the platform is closed or the returned function is called. */
  readonly startWorker: (options?: WorkerOptions) => () => Promise<void>
  readonly close: () => Promise<void>
}

/**
 * Creates a platform.
 *
 * @example
 * ```ts
 * import { MemoryRegistry } from "@lamina/oci"
 * import { createPlatform } from "@lamina/platform"
 * import { Effect } from "effect"
 *
 * await using platform = await createPlatform({
 *   registry: await Effect.runPromise(MemoryRegistry.make()),
 *   secretKey: "0123456789abcdef0123456789abcdef"
 * })
 * const ada = { kind: "person", id: "ada" } as const
 * const account = await platform.accounts.create({ actor: ada, name: "acme" })
 * console.log(account.name) // => acme
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const createPlatform = async (options: PlatformOptions.PlatformOptions): Promise<PlatformClient> => {
  const checked = Result.getOrThrowWith(PlatformOptions.check(options), (error) => error)
  const { deepIngest } = checked
  const runtime = ManagedRuntime.make(layerOf(checked))
  const run = async <A, E>(effect: Effect.Effect<A, E, Platform.Services>, call?: CallOptions): Promise<A> => {
    // What is aborted already is not begun.
    call?.signal?.throwIfAborted()
    const exit = await runtime.runPromiseExit(effect, call?.signal === undefined ? {} : { signal: call.signal })
    if (Exit.isSuccess(exit)) return exit.value
    if (call?.signal?.aborted === true && Cause.hasInterruptsOnly(exit.cause)) throw call.signal.reason
    throw Cause.squash(exit.cause)
  }
  const close = () => runtime.dispose()
  // The storage is opened now, so that a wrong address is known here and not with the first request.
  await run(Effect.void).catch(async (error: unknown) => {
    await close()
    throw error
  })
  return {
    ...operations(run, deepIngest),
    run,
    handler: (handlerOptions = {}) => PlatformHandler.make(run, handlerOptions),
    startWorker: ({ onEvent, ...workerOptions } = {}) => {
      const stopped = new AbortController()
      const relay = EventRelay.run({ ...timesOf(workerOptions), deliver: deliverTo(onEvent) })
      // It ends in no other way than by being stopped or closed, and both are no failure.
      const work = Effect.all([relay, WebhookWorkLoop.run({ deep: deepIngest, ...workerOptions })], {
        concurrency: 2,
        discard: true
      })
      const worker = run(work, { signal: stopped.signal }).catch(() => undefined)
      return async () => {
        stopped.abort()
        await worker
      }
    },
    close,
    [Symbol.asyncDispose]: close
  }
}

const timesOf = ({ afterFailure, idle }: WebhookWorkLoop.Options) => ({ afterFailure, idle })

const deliverTo =
  (onEvent: WorkerOptions["onEvent"]) => (event: Event.Event): Effect.Effect<void, Cause.UnknownError> =>
    onEvent === undefined ? Effect.void : Effect.tryPromise(async () => onEvent(event))

const layerOf = (checked: PlatformOptions.CheckedOptions) =>
  Layer.unwrap(Effect.gen(function*() {
    const trustRoot = yield* Effect.fromResult(PlatformOptions.readTrustRoot(checked.trustedRoot))
    const registry = yield* PlatformOptions.openRegistry(checked.registry)
    return Platform.layer({
      storage: storageOf(checked.storage),
      registry,
      trustRoot,
      secrets: {
        key: Redacted.make(checked.secretKey),
        previousKeys: checked.previousSecretKeys.map((key) => Redacted.make(key))
      },
      webhooks: { replayProtection: checked.requireReplayProtection ? "required" : "optional" },
      signatures: { keysRequireTransparencyLog: checked.keysRequireTransparencyLog }
    })
  }))

const storageOf = (storage: PlatformOptions.CheckedOptions["storage"]) =>
  storage.kind === "memory" ? MemoryStorage.layer : PostgresStorage.layer({
    url: Redacted.make(storage.url),
    schema: storage.schema,
    prefix: storage.prefix,
    collections: Collections.all
  })

type Run = PlatformClient["run"]

const operations = (run: Run, deepIngest: boolean) => {
  const promised =
    <I, A, E>(operation: (input: I) => Effect.Effect<A, E, Platform.Services>) =>
    (input: I, options?: CallOptions): Promise<A> => run(operation(input), options)
  return {
    accounts: {
      create: promised(Accounts.createAccount),
      get: promised(Accounts.getAccount),
      setPromotionRules: promised(Accounts.setPromotionRules),
      createCategory: promised(Accounts.createCategory),
      listCategories: promised(Accounts.listCategories)
    },
    modules: {
      register: promised(ModuleCatalog.registerModule),
      reimport: promised(ModuleCatalog.reimportManifest),
      update: promised(ModuleCatalog.updateModule),
      get: promised(ModuleCatalog.getModule),
      list: promised(ModuleCatalog.listModules),
      delete: promised(ModuleDeletion.deleteModule),
      ingest: promised((input: ModuleIngest.IngestInput) => ModuleIngest.ingest({ deep: deepIngest, ...input })),
      rollback: promised(Promotion.rollback),
      hold: promised(Promotion.hold),
      releaseHold: promised(Promotion.releaseHold)
    },
    versions: {
      get: promised(ModuleCatalog.getVersion),
      list: promised(ModuleCatalog.listVersions),
      reverify: promised(ModuleIngest.reverify),
      promote: promised(Promotion.promote),
      demote: promised(Promotion.demote),
      archive: promised(Promotion.archive),
      restore: promised(Promotion.restore),
      quarantine: promised(Promotion.quarantine),
      releaseQuarantine: promised(Promotion.releaseQuarantine),
      pin: promised(Promotion.pin),
      unpin: promised(Promotion.unpin),
      recordScan: promised(Promotion.recordScan),
      explain: promised(Promotion.explain)
    },
    approvals: {
      createPolicy: promised(Approvals.createPolicy),
      deletePolicy: promised(Approvals.deletePolicy),
      listPolicies: promised(Approvals.listPolicies),
      explain: promised(Approvals.explain),
      get: promised(Approvals.getRequest),
      list: promised(Approvals.listRequests),
      approve: promised(Approvals.approve),
      reject: promised(Approvals.reject)
    },
    templates: {
      create: promised(Templates.createTemplate),
      delete: promised(Templates.deleteTemplate),
      assign: promised(Templates.assignModule),
      unassign: promised(Templates.unassignModule),
      listAssignments: promised(Templates.listAssignments),
      compose: promised(TemplateComposition.compose)
    },
    fleet: {
      createInstance: promised(Fleet.createInstance),
      rotateToken: promised(Fleet.rotateToken),
      deleteInstance: promised(Fleet.deleteInstance),
      getInstance: promised(Fleet.getInstance),
      listInstances: promised(Fleet.listInstances),
      desiredState: promised(Fleet.desiredState),
      heartbeat: promised(Fleet.heartbeat),
      drift: promised(Fleet.drift),
      explain: promised(ModulePresence.explain)
    },
    webhooks: {
      createEndpoint: promised(WebhookEndpoints.createEndpoint),
      rotateSecret: promised(WebhookEndpoints.rotateSecret),
      revokeEndpoint: promised(WebhookEndpoints.revokeEndpoint),
      getEndpoint: promised(WebhookEndpoints.getEndpoint),
      listEndpoints: promised(WebhookEndpoints.listEndpoints),
      receive: promised(WebhookInbox.receive),
      recent: promised(WebhookInbox.recent),
      getDelivery: promised(WebhookInbox.getDelivery),
      retry: promised(WebhookInbox.retry),
      processOnce: promised((input: WebhookWorker.WorkOptions) =>
        WebhookWorker.processOnce({ deep: deepIngest, ...input })
      )
    },
    events: {
      list: promised(Events.list)
    }
  }
}
