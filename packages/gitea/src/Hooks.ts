/**
 * Webhooks of repositories and organizations.
 *
 * Gitea can neither tell nor change the secret of a hook: to rotate it, create a second hook, wait until the new
 * secret was seen, and delete the first.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { GiteaError } from "./GiteaError.ts"
import type { GiteaHttp } from "./GiteaHttp.ts"
import { list } from "./internal/wire.ts"
import type { RepositoryName } from "./Repositories.ts"

/**
 * Where a hook hangs. Events of packages only reach the hooks of an organization, unless the package is linked.
 *
 * @category models
 * @since 0.1.0
 */
export type HookOwner = RepositoryName | { readonly organization: string }

/**
 * A hook. Its secret and its authorization header are not read, though some servers tell the latter.
 *
 * @category models
 * @since 0.1.0
 */
export interface Hook {
  readonly id: number
  readonly active: boolean
  readonly events: ReadonlyArray<string>
  readonly url: string | undefined
  readonly contentType: string | undefined
}

/**
 * A hook to create; it is active at once. `branchFilter` is a glob, and since Gitea 1.25 tags have to match it too
 * (`refs/tags/v*`).
 *
 * @category models
 * @since 0.1.0
 */
export interface CreateOptions {
  readonly url: string
  readonly secret: Redacted.Redacted<string>
  readonly events: ReadonlyArray<string>
  readonly contentType?: "json" | "form" | undefined
  readonly branchFilter?: string | undefined
  readonly authorizationHeader?: Redacted.Redacted<string> | undefined
}

/**
 * The calls that concern hooks.
 *
 * @category models
 * @since 0.1.0
 */
export interface Hooks {
  readonly create: (owner: HookOwner, options: CreateOptions) => Effect.Effect<Hook, GiteaError>
  readonly list: (owner: HookOwner) => Stream.Stream<Hook, GiteaError>
  readonly delete: (owner: HookOwner, id: number) => Effect.Effect<void, GiteaError>
}

const HookBody = Schema.Struct({
  id: Schema.Int,
  active: Schema.Boolean,
  events: list(Schema.String),
  config: Schema.Struct({
    url: Schema.optionalKey(Schema.String),
    content_type: Schema.optionalKey(Schema.String)
  })
})

const hookOf = (body: typeof HookBody.Type): Hook => ({
  id: body.id,
  active: body.active,
  events: body.events ?? [],
  url: body.config.url,
  contentType: body.config.content_type
})

const pathOf = (owner: HookOwner): ReadonlyArray<string> =>
  "organization" in owner ? ["orgs", owner.organization, "hooks"] : ["repos", owner.owner, owner.name, "hooks"]

const bodyOf = (options: CreateOptions) => ({
  type: "gitea",
  // Gitea's own default is a hook that never fires.
  active: true,
  events: options.events,
  config: {
    url: options.url,
    content_type: options.contentType ?? "json",
    secret: Redacted.value(options.secret)
  },
  ...(options.branchFilter === undefined ? {} : { branch_filter: options.branchFilter }),
  ...(options.authorizationHeader === undefined
    ? {}
    : { authorization_header: Redacted.value(options.authorizationHeader) })
})

const problemOf = (options: CreateOptions): { readonly field: string; readonly problem: string } | undefined => {
  // Without a secret Gitea sends hollow signature headers, which every receiver has to refuse.
  if (Redacted.value(options.secret).trim() === "") {
    return { field: "secret", problem: "expected one, got a blank text" }
  }
  // Without events Gitea subscribes to pushes.
  if (options.events.length === 0) return { field: "events", problem: "expected at least one" }
  return undefined
}

/**
 * The resource over a connection.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (http: GiteaHttp): Hooks => ({
  create: Effect.fnUntraced(function*(owner, options) {
    const path = pathOf(owner)
    const problem = problemOf(options)
    if (problem !== undefined) {
      const reason = { _tag: "InvalidInput", ...problem } as const
      return yield* new GiteaError({ method: "POST", path: `/${path.join("/")}`, reason })
    }
    return hookOf(yield* http.json({ method: "POST", path, json: bodyOf(options) }, HookBody))
  }),
  list: (owner) =>
    http.pages({ method: "GET", path: pathOf(owner) }, {
      schema: list(HookBody),
      items: (page) => page ?? [],
      key: (hook) => hook.id
    }).pipe(Stream.map(hookOf)),
  delete: (owner, id) => Effect.asVoid(http.send({ method: "DELETE", path: [...pathOf(owner), id] }))
})
