/**
 * Packages of a user or an organization.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { GiteaError } from "./GiteaError.ts"
import type { GiteaHttp } from "./GiteaHttp.ts"
import { list, maybe } from "./internal/wire.ts"

/**
 * A version of a package. For containers `version` is a tag or a digest; which digest a tag has, the registry tells.
 *
 * @category models
 * @since 0.1.0
 */
export interface PackageVersion {
  readonly id: number
  readonly owner: string
  readonly type: string
  readonly name: string
  readonly version: string
  readonly repositoryFullName: string | undefined
  readonly createdAt: string | undefined
}

/**
 * Which packages to list: all of an owner, of one type, with a text in their name.
 *
 * @category models
 * @since 0.1.0
 */
export interface ListOptions {
  readonly owner: string
  readonly type?: string | undefined
  readonly query?: string | undefined
}

/**
 * A package and the repository (of the same owner) to link it to.
 *
 * @category models
 * @since 0.1.0
 */
export interface LinkOptions {
  readonly owner: string
  readonly type: string
  readonly name: string
  readonly repository: string
}

/**
 * The calls that concern packages. Gitea never links a container by itself, and without a link the repository's hooks
 * hear nothing of it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Packages {
  readonly list: (options: ListOptions) => Stream.Stream<PackageVersion, GiteaError>
  readonly link: (options: LinkOptions) => Effect.Effect<void, GiteaError>
}

const PackageBody = Schema.Struct({
  id: Schema.Int,
  owner: Schema.Struct({ login: Schema.String }),
  repository: maybe(Schema.Struct({ full_name: Schema.String })),
  type: Schema.String,
  name: Schema.String,
  version: Schema.String,
  created_at: maybe(Schema.String)
})

const packageOf = (body: typeof PackageBody.Type): PackageVersion => ({
  id: body.id,
  owner: body.owner.login,
  type: body.type,
  name: body.name,
  version: body.version,
  repositoryFullName: body.repository?.full_name,
  createdAt: body.created_at ?? undefined
})

/**
 * The resource over a connection.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (http: GiteaHttp): Packages => ({
  list: ({ owner, query, type }) =>
    http.pages({ method: "GET", path: ["packages", owner], query: { type, q: query } }, {
      schema: list(PackageBody),
      items: (page) => page ?? [],
      key: (item) => item.id
    }).pipe(Stream.map(packageOf)),
  link: Effect.fnUntraced(function*({ name, owner, repository, type }) {
    yield* http.needs("linking packages")
    yield* http.send({ method: "POST", path: ["packages", owner, type, name, "-", "link", repository] })
  })
})
