/**
 * A registry over HTTP, as a client of the distribution specification.
 *
 * What a registry answers is not trusted: every body has a limit, all content is verified, redirects are followed by
 * hand, and credentials go to the registry's own origin only. Registries without the referrers API are handled with
 * the tag schema. Uploads that fail are cancelled; downloads that break off go on where they were.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { Agent, type Dispatcher } from "undici"
import type { Credentials } from "./Credentials.ts"
import { failing } from "./internal/failure.ts"
import * as blobs from "./internal/http/blobs.ts"
import * as client from "./internal/http/client.ts"
import * as lists from "./internal/http/lists.ts"
import * as manifests from "./internal/http/manifests.ts"
import * as referrers from "./internal/http/referrers.ts"
import type { Limits, Retry, Settings, UploadSizes } from "./internal/http/settings.ts"
import { isLoopback, publicLookup } from "./internal/http/target.ts"
import * as Manifest from "./Manifest.ts"
import * as Reference from "./Reference.ts"
import type { Registry } from "./Registry.ts"
import { Malformed } from "./RegistryError.ts"
import type { RegistryError } from "./RegistryError.ts"

/**
 * Which registry to speak to, and how.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** `https://registry.example`, or just the host; http is for loopback addresses, unless `insecure`. */
  readonly url: string | URL
  readonly credentials?: Credentials | undefined
  /** Allows plain http to other hosts than this one. */
  readonly insecure?: boolean | undefined
  /** Token servers, as `host` or `host:port`, that may see the credentials though they are not the registry's own. */
  readonly trustedRealms?: ReadonlyArray<string> | undefined
  /** Lets the registry's redirects and upload locations lead to addresses that are not public. */
  readonly allowPrivateTargets?: boolean | undefined
  /** How to connect (proxy, certificates, mocks). Host names that it resolves are not checked for private addresses. */
  readonly dispatcher?: Dispatcher | undefined
  /** Goes in front of this package's own name. */
  readonly userAgent?: string | undefined
  /** In bytes and pages: manifests 8 MiB, lists 4 MiB and 100 pages, blobs 64 GiB. */
  readonly limits?: Partial<Limits> | undefined
  /** 5 times, first after 200 ms, at most 10 s apart; `Retry-After` is heeded up to 60 s. */
  readonly retry?: Partial<Retry> | undefined
  /** In milliseconds: connect 10 s, first byte of an answer 60 s, between two bytes 60 s. */
  readonly timeouts?:
    | {
      readonly connectMillis?: number | undefined
      readonly headersMillis?: number | undefined
      readonly idleMillis?: number | undefined
    }
    | undefined
  /** A body that brings fewer bytes within so many milliseconds of waiting is given up. Default 16 KiB in 30 s. */
  readonly minimumThroughput?: { readonly bytes: number; readonly windowMillis: number } | undefined
  /** In bytes: chunks of 8 MiB; blobs of more than 256 MiB are uploaded in chunks. */
  readonly upload?: Partial<UploadSizes> | undefined
  /** Looks again after writing a referrers tag, because other processes may overwrite it. Default `true`. */
  readonly verifyReferrersTag?: boolean | undefined
}

/**
 * Makes a client. Its connections are closed with the scope.
 *
 * @example
 * ```ts
 * import { Artifact, HttpRegistry, MemoryRegistry, RegistryServer } from "@lamina/oci"
 * import { Effect } from "effect"
 *
 * const program = Effect.gen(function*() {
 *   const server = yield* RegistryServer.listen(yield* MemoryRegistry.make())
 *   const registry = yield* HttpRegistry.make({ url: server.url })
 *   yield* Artifact.push(registry, "demo", { artifactType: "application/vnd.example", tags: ["v1", "v2"] })
 *   return (yield* registry.listTags("demo")).names
 * })
 *
 * console.log(await Effect.runPromise(Effect.scoped(program))) // => [ "v1", "v2" ]
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.fnUntraced(function*(
  options: Options
): Effect.fn.Return<Registry, RegistryError, Scope.Scope> {
  const settings = settingsOf(options, yield* registryUrl(options))
  const http = client.make(settings, yield* dispatchers(options, settings))
  const references = referrers.make(http)
  return {
    ...blobs.make(http),
    ...manifests.make(http, references),
    ...lists.make(http),
    referrers: references.referrers
  }
})

const registryUrl = Effect.fnUntraced(function*(options: Options): Effect.fn.Return<URL, RegistryError> {
  const text = String(options.url)
  // What is before an @ or after a question mark may be secret, also in what cannot be parsed.
  const subject = text.replace(/^.*@/s, "").replace(/[?#].*$/s, "").slice(0, 200)
  const refuse = (detail: string) => failing("make", subject)(new Malformed({ what: "registry URL", detail }))
  const url = URL.parse(Reference.isRegistry(text) ? `https://${text}` : text)
  if (url === null || (url.protocol !== "https:" && url.protocol !== "http:")) {
    return yield* refuse("expected https://host, http://host or a host")
  }
  // Credentials in a URL end up in logs, a path would not be part of names.
  if (url.username !== "" || url.password !== "") {
    return yield* failing("make", url.host)(
      new Malformed({ what: "registry URL", detail: "it contains credentials; pass them as `credentials`" })
    )
  }
  if (url.pathname !== "/" || url.search !== "" || url.hash !== "") {
    return yield* refuse("expected no path after the host")
  }
  if (url.protocol === "http:" && !isLoopback(url) && options.insecure !== true) {
    return yield* refuse("plain http is only for loopback addresses, unless `insecure` is set")
  }
  if (options.credentials?._tag === "Basic" && options.credentials.username.includes(":")) {
    return yield* refuse("a user name must not contain a colon")
  }
  return url
})

const mebibyte = 1024 * 1024

const settingsOf = (options: Options, registry: URL): Settings => ({
  registry,
  credentials: options.credentials,
  userAgent: `${options.userAgent === undefined ? "" : `${options.userAgent} `}lamina-oci/0.1.0`,
  trustedRealms: new Set(options.trustedRealms),
  allowPrivateTargets: options.allowPrivateTargets === true,
  limits: {
    manifestBytes: Manifest.maximumReadBytes,
    listBytes: 4 * mebibyte,
    listPages: 100,
    blobBytes: 64 * 1024 * mebibyte,
    ...options.limits
  },
  retry: {
    times: 5,
    initialMillis: 200,
    maximumMillis: 10_000,
    maximumRetryAfterMillis: 60_000,
    ...options.retry
  },
  patience: {
    headersMillis: options.timeouts?.headersMillis ?? 60_000,
    idleMillis: options.timeouts?.idleMillis ?? 60_000,
    minimumBytes: options.minimumThroughput?.bytes ?? 16 * 1024,
    windowMillis: options.minimumThroughput?.windowMillis ?? 30_000
  },
  upload: { chunkBytes: 8 * mebibyte, monolithicBytes: 256 * mebibyte, ...options.upload },
  verifyFallback: options.verifyReferrersTag !== false
})

/** Two sets of connections: hosts that a registry names are resolved with care, the registry itself is the caller's. */
const dispatchers = Effect.fnUntraced(function*(options: Options, settings: Settings) {
  if (options.dispatcher !== undefined) return { own: options.dispatcher, foreign: options.dispatcher }
  const timeout = options.timeouts?.connectMillis ?? 10_000
  const agent = (connect: NonNullable<Agent.Options["connect"]>) =>
    Effect.acquireRelease(
      Effect.sync(() => new Agent({ connect, allowH2: false })),
      (agent) => Effect.promise(() => agent.destroy())
    )
  return {
    own: yield* agent({ timeout }),
    foreign: yield* agent(settings.allowPrivateTargets ? { timeout } : { timeout, lookup: publicLookup })
  }
})
