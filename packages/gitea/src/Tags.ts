/**
 * The tags of a repository.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { GiteaError } from "./GiteaError.ts"
import type { GiteaHttp } from "./GiteaHttp.ts"
import { list } from "./internal/wire.ts"
import type { RepositoryName } from "./Repositories.ts"

/**
 * A tag: `commit` is what it leads to, `object` what it names (the tag object of an annotated tag).
 *
 * @category models
 * @since 0.1.0
 */
export interface Tag {
  readonly name: string
  readonly object: string
  readonly commit: string
}

/**
 * The calls that concern tags.
 *
 * @category models
 * @since 0.1.0
 */
export interface Tags {
  readonly list: (repository: RepositoryName) => Stream.Stream<Tag, GiteaError>
}

const TagBody = Schema.Struct({
  name: Schema.String,
  id: Schema.String,
  commit: Schema.Struct({ sha: Schema.String })
})

/**
 * The resource over a connection.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (http: GiteaHttp): Tags => ({
  list: ({ name, owner }) =>
    http.pages({ method: "GET", path: ["repos", owner, name, "tags"] }, {
      schema: list(TagBody),
      items: (page) => page ?? [],
      key: (tag) => tag.name
    }).pipe(Stream.map((tag) => ({ name: tag.name, object: tag.id, commit: tag.commit.sha })))
})
