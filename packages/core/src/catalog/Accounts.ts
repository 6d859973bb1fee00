/**
 * Accounts and their categories.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Approvals from "../approvals/Approvals.ts"
import * as Policy from "../approvals/Policy.ts"
import type { Actor } from "../events/Actor.ts"
import * as Command from "../events/Command.ts"
import { invalidInput } from "../events/CommandError.ts"
import * as Id from "../events/Id.ts"
import { requireOperator } from "../internal/operator.ts"
import * as Reading from "../internal/reading.ts"
import { Storage } from "../storage/Storage.ts"
import * as Account from "./Account.ts"
import { CatalogError, NameTaken } from "./CatalogError.ts"
import * as Category from "./Category.ts"

/**
 * What a new account is given.
 *
 * @category models
 * @since 0.1.0
 */
export interface CreateAccountInput {
  readonly actor: Actor
  readonly name: string
  /** The account's id, when the host has one for it; a UUID. A new one, when absent. */
  readonly accountId?: string | undefined
  readonly promotionRules?: Account.PromotionRules | undefined
  readonly idempotencyKey?: string | undefined
  readonly correlationId?: string | undefined
}

/**
 * Makes an account with the default categories (`Category.defaults`) and policies (`Policy.defaults`).
 *
 * An idempotency key works together with `accountId` only: keys belong to an account.
 *
 * @category commands
 * @since 0.1.0
 */
export const createAccount = Effect.fn("Accounts.createAccount")(function*(input: CreateAccountInput) {
  const name = yield* requireText("name", input.name)
  const accountId = input.accountId === undefined ? yield* Id.next : yield* requireUuid("accountId", input.accountId)
  const promotionRules = input.promotionRules ?? Account.defaultPromotionRules
  return yield* Command.run(
    {
      name: "account.create",
      options: { ...input, accountId },
      request: { name, promotionRules },
      result: Account.Account,
      founding: true
    },
    Effect.fnUntraced(function*(change) {
      const existing = yield* change.transaction.get(Account.collection, accountId, accountId)
      if (Option.isSome(existing)) {
        return yield* new CatalogError({
          reason: new NameTaken({ kind: "account", name: existing.value.name, id: accountId })
        })
      }
      const account = yield* change.transaction.insert(Account.collection, {
        id: accountId,
        accountId,
        rev: 1,
        name,
        promotionRules,
        createdAt: change.now
      })
      yield* change.record({
        type: "account.created",
        aggregateKind: "account",
        aggregate: account,
        after: Command.toJson(account)
      })
      for (const category of Category.defaults) yield* insertCategory(change, category.slug, category.position)
      for (const rule of Policy.defaults) yield* Approvals.insertPolicy(change, rule)
      return account
    })
  )
})

/**
 * An account.
 *
 * @category queries
 * @since 0.1.0
 */
export const getAccount = Effect.fn("Accounts.getAccount")(function*(input: { readonly accountId: string }) {
  return yield* Reading.one(Account.collection, input.accountId, "account", input.accountId)
})

/**
 * Changes what the account asks of its versions. Versions that went further under other rules stay where they are.
 *
 * @category commands
 * @since 0.1.0
 */
export const setPromotionRules = Effect.fn("Accounts.setPromotionRules")(function*(
  input: Command.Options & {
    readonly promotionRules: Account.PromotionRules
    readonly expectedRev?: number | undefined
  }
) {
  yield* requireOperator(input.actor, "changing the promotion rules")
  const promotionRules = yield* Effect.mapError(
    Schema.decodeEffect(Account.PromotionRules)(input.promotionRules),
    (error) => invalidInput("promotionRules", "promotion rules", error.message)
  )
  return yield* Command.run(
    {
      name: "account.set_promotion_rules",
      options: input,
      request: { promotionRules, expectedRev: input.expectedRev },
      result: Account.Account
    },
    Effect.fnUntraced(function*(change) {
      const account = yield* Reading.required(
        change.transaction,
        Account.collection,
        change.accountId,
        "account",
        change.accountId
      )
      yield* Command.expectRev("account", account, input.expectedRev)
      const updated = yield* change.transaction.update(Account.collection, { ...account, promotionRules })
      yield* change.record({
        type: "account.promotion_rules_changed",
        aggregateKind: "account",
        aggregate: updated,
        before: Command.toJson(account.promotionRules),
        after: Command.toJson(promotionRules)
      })
      return updated
    })
  )
})

/**
 * Adds a category.
 *
 * @category commands
 * @since 0.1.0
 */
export const createCategory = Effect.fn("Accounts.createCategory")(function*(
  input: Command.Options & { readonly slug: string; readonly position: number }
) {
  if (!/^[a-z](?:[a-z0-9-]{0,62}[a-z0-9])?$/.test(input.slug)) {
    return yield* invalidInput(
      "slug",
      "1 to 64 of a-z, 0-9 and -, beginning with a letter",
      JSON.stringify(input.slug.slice(0, 100))
    )
  }
  if (!Number.isInteger(input.position) || input.position < 0 || input.position > 1_000_000) {
    return yield* invalidInput("position", "an integer from 0 to 1000000", String(input.position))
  }
  return yield* Command.run(
    {
      name: "category.create",
      options: input,
      request: { slug: input.slug, position: input.position },
      result: Category.Category
    },
    Effect.fnUntraced(function*(change) {
      const other = yield* change.transaction.find(Category.collection, change.accountId, "bySlug", [input.slug])
      if (Option.isSome(other)) {
        return yield* new CatalogError({
          reason: new NameTaken({ kind: "category", name: input.slug, id: other.value.id })
        })
      }
      return yield* insertCategory(change, input.slug, input.position)
    })
  )
})

const insertCategory = Effect.fnUntraced(function*(change: Command.Change, slug: string, position: number) {
  const category = yield* change.transaction.insert(Category.collection, {
    id: yield* Id.next,
    accountId: change.accountId,
    rev: 1,
    slug,
    position,
    createdAt: change.now
  })
  yield* change.record({
    type: "category.created",
    aggregateKind: "category",
    aggregate: category,
    after: { slug, position }
  })
  return category
})

/**
 * The categories of an account, from the bottom to the top.
 *
 * @category queries
 * @since 0.1.0
 */
export const listCategories = Effect.fn("Accounts.listCategories")(function*(input: { readonly accountId: string }) {
  const storage = yield* Storage
  const categories = yield* storage.transaction((transaction) =>
    Reading.everyPage((options) => transaction.scan(Category.collection, input.accountId, options))
  )
  return [...categories].sort((left, right) => left.position - right.position)
})

const requireText = (field: string, text: string) => {
  const trimmed = text.trim()
  return trimmed.length > 0 && trimmed.length <= 200
    ? Effect.succeed(trimmed)
    : Effect.fail(invalidInput(field, "1 to 200 characters", JSON.stringify(text.slice(0, 220))))
}

const requireUuid = (field: string, text: string) =>
  /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/.test(text)
    ? Effect.succeed(text)
    : Effect.fail(invalidInput(field, "a UUID in lower case", JSON.stringify(text.slice(0, 100))))
