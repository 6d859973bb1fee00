/**
 * Repositories by name.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { GiteaError } from "./GiteaError.ts"
import type { GiteaHttp } from "./GiteaHttp.ts"
import { maybe } from "./internal/wire.ts"

/**
 * The two halves of `owner/name`.
 *
 * @category models
 * @since 0.1.0
 */
export interface RepositoryName {
  readonly owner: string
  readonly name: string
}

/**
 * A repository; `id` stays the same when it is renamed or moved.
 *
 * @category models
 * @since 0.1.0
 */
export interface Repository {
  readonly id: number
  readonly owner: string
  readonly name: string
  readonly fullName: string
  readonly defaultBranch: string
  readonly private: boolean
  readonly archived: boolean
  readonly htmlUrl: string | undefined
  readonly cloneUrl: string | undefined
}

/**
 * The calls that concern a repository as a whole.
 *
 * @category models
 * @since 0.1.0
 */
export interface Repositories {
  readonly get: (repository: RepositoryName) => Effect.Effect<Repository, GiteaError>
}

const RepositoryBody = Schema.Struct({
  id: Schema.Int,
  owner: Schema.Struct({ login: Schema.String }),
  name: Schema.String,
  full_name: Schema.String,
  default_branch: maybe(Schema.String),
  private: maybe(Schema.Boolean),
  archived: maybe(Schema.Boolean),
  html_url: maybe(Schema.String),
  clone_url: maybe(Schema.String)
})

const repositoryOf = (body: typeof RepositoryBody.Type): Repository => ({
  id: body.id,
  owner: body.owner.login,
  name: body.name,
  fullName: body.full_name,
  defaultBranch: body.default_branch ?? "",
  private: body.private ?? false,
  archived: body.archived ?? false,
  htmlUrl: body.html_url ?? undefined,
  cloneUrl: body.clone_url ?? undefined
})

/**
 * The resource over a connection.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (http: GiteaHttp): Repositories => ({
  get: ({ name, owner }) =>
    Effect.map(http.json({ method: "GET", path: ["repos", owner, name] }, RepositoryBody), repositoryOf)
})
