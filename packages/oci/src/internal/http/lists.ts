/** Lists of tags and repositories: distribution-spec end-8 and the catalog. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { Page, PageOptions, Registry } from "../../Registry.ts"
import { Malformed, NotFound, Unsupported } from "../../RegistryError.ts"
import type { Reason, RegistryError } from "../../RegistryError.ts"
import { checkNames, type Failing, failing, orFail } from "../failure.ts"
import { ascending, defaultLimit, page } from "../paging.ts"
import type { Client } from "./client.ts"
import { nextPage } from "./links.ts"
import * as replies from "./reply.ts"
import * as scope from "./scope.ts"
import type { Reply } from "./transport.ts"

/** docker-registry 2.8 has `null` for a list without names. */
const Names = Schema.NullOr(Schema.Array(Schema.String))
const Tags = Schema.Struct({ tags: Names })
const Catalog = Schema.Struct({ repositories: Names })

/** Some registries refuse to list more at once. */
const maximumPage = 1000

interface List {
  readonly path: string
  readonly scopes: ReadonlyArray<string>
  readonly missing: Reason
  readonly names: (reply: Reply) => Effect.Effect<ReadonlyArray<string> | null, RegistryError>
}

/** The lists of a client. */
export const make = (client: Client): Pick<Registry, "listTags" | "listRepositories"> => {
  const { listBytes } = client.settings.limits

  const listTags: Registry["listTags"] = Effect.fnUntraced(function*(repository, options) {
    const fail = failing("listTags", repository)
    yield* checkNames(fail, repository)
    const list: List = {
      path: `${repository}/tags/list`,
      scopes: [scope.pull(repository)],
      missing: new NotFound({ kind: "repository", name: repository }),
      names: (reply) => Effect.map(replies.json(Tags, reply, listBytes, "list of tags", fail), ({ tags }) => tags)
    }
    return yield* readPage(client, list, options ?? {}, fail)
  })

  const listRepositories: Registry["listRepositories"] = Effect.fnUntraced(function*(options) {
    const fail = failing("listRepositories", client.settings.registry.host)
    const list: List = {
      path: "_catalog",
      scopes: ["registry:catalog:*"],
      missing: new Unsupported({ operation: "listing repositories" }),
      names: (reply) =>
        Effect.map(
          replies.json(Catalog, reply, listBytes, "list of repositories", fail),
          ({ repositories }) => repositories
        )
    }
    return yield* readPage(client, list, options ?? {}, fail)
  })

  return { listTags, listRepositories }
}

/**
 * One page. Where a registry continues its lists with more than a last name, `next` is the path of its link, which is
 * told from a name by its first character.
 */
const readPage = Effect.fnUntraced(function*(
  client: Client,
  list: List,
  options: PageOptions,
  fail: Failing
): Effect.fn.Return<Page, RegistryError, Scope.Scope> {
  const limit = Math.min(Math.max(0, options.limit ?? defaultLimit), maximumPage)
  const url = yield* pageUrl(client, list, options.last, limit, fail)
  const reply = yield* client.expect({ method: "GET", url, scopes: list.scopes }, fail, list.missing, 200)
  const names = (yield* list.names(reply)) ?? []
  const next = yield* orFail(nextPage(reply, client.url(list.path)), fail)
  if (limit === 0) return { names: [] }
  // Without a link this is all that is left, perhaps unsorted and longer than what was asked for; docker-registry 2.8
  // ignores `n` and `last` of tags.
  if (next === undefined || names.length > limit) {
    return page(names, { limit, last: isLink(options.last) ? undefined : options.last })
  }
  return { names: [...names].sort(ascending), next: continuation(next) }
}, Effect.scoped)

const isLink = (last: string | undefined): boolean => last?.startsWith("/") === true

const pageUrl = (
  client: Client,
  { path }: List,
  last: string | undefined,
  limit: number,
  fail: Failing
): Effect.Effect<URL, RegistryError> => {
  const first = client.url(path, { n: String(Math.max(1, limit)), ...(last === undefined ? {} : { last }) })
  if (last === undefined || !isLink(last)) return Effect.succeed(first)
  const url = URL.parse(last, client.settings.registry)
  return url !== null && url.origin === first.origin && url.pathname === first.pathname
    ? Effect.succeed(url)
    : Effect.fail(fail(new Malformed({ what: "page", detail: "`last` continues another list" })))
}

const continuation = (next: URL): string => {
  const last = next.searchParams.get("last")
  const simple = [...next.searchParams.keys()].every((key) => key === "n" || key === "last")
  return simple && last !== null && last !== "" ? last : `${next.pathname}${next.search}`
}
