/**
 * A naive model of storage, to hold adapters against: random scripts of transactions must do the same in both.
 *
 * ```ts
 * it.effect.prop("does what the model does", [StorageModel.Script], ([script]) =>
 *   Effect.provide(StorageModel.check(script), MemoryStorage.layer))
 * ```
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { JobQueue } from "../storage/JobQueue.ts"
import type { Storage, Transaction } from "../storage/Storage.ts"
import type { StorageError } from "../storage/StorageError.ts"
import { type Release, Releases } from "./contract/Collections.ts"
import { equal, make } from "./ContractCase.ts"

const Slot = Schema.Literals([0, 1, 2, 3, 4, 5])
const Account = Schema.Literals([0, 1])
const Lag = Schema.Literals([0, 0, 0, 0, 1])
const Module = Schema.Literals(["a", "b"])
const State = Schema.Literals(["draft", "live"])
const Position = Schema.Union([Schema.Literals([1, 2, "1", true]), Schema.Null])

const target = { slot: Slot, account: Account }
const content = {
  module: Module,
  name: Schema.Literals(["x", "y", "z"]),
  state: State,
  position: Schema.optionalKey(Position)
}
const page = {
  account: Account,
  after: Schema.optionalKey(Slot),
  limit: Schema.optionalKey(Schema.Literals([0, 1, 2, 1000])),
  descending: Schema.Boolean
}

const Write = Schema.Union([
  Schema.Struct({
    operation: Schema.Literals(["put", "put", "put", "insert", "update"]),
    lag: Lag,
    ...target,
    ...content
  }),
  Schema.Struct({ operation: Schema.Literal("remove"), lag: Lag, ...target })
])
const Read = Schema.Struct({ operation: Schema.Literals(["get", "locate"]), ...target })
const Scan = Schema.Struct({ operation: Schema.Literal("scan"), ...page })
const Find = Schema.Union([
  Schema.Struct({
    operation: Schema.Literals(["find", "list"]),
    index: Schema.Literal("live"),
    values: Schema.Union([Schema.Tuple([]), Schema.Tuple([Module])]),
    ...page
  }),
  Schema.Struct({
    operation: Schema.Literals(["find", "list"]),
    index: Schema.Literal("position"),
    values: Schema.Union([
      Schema.Tuple([]),
      Schema.Tuple([State]),
      Schema.Tuple([State, Schema.Literals([1, 2, "1", true])])
    ]),
    ...page
  })
])

/**
 * An operation. Rows are named by slots, of which each has an id. `put` updates the slot's row, or inserts it when there
 * is none; `lag` is how many revisions a writer is behind.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Step = Schema.Union([Write, Read, Scan, Find])

/**
 * An operation.
 *
 * @category models
 * @since 0.1.0
 */
export type Step = typeof Step.Type

/**
 * Transactions: their operations, and whether they fail in the end.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Script = Schema.Array(Schema.Struct({ steps: Schema.Array(Step), abandon: Schema.Boolean }))

/**
 * Transactions: their operations, and whether they fail in the end.
 *
 * @category models
 * @since 0.1.0
 */
export type Script = typeof Script.Type

/**
 * Runs a script; fails with `ContractViolation` at the first difference between storage and the model.
 *
 * @category assertions
 * @since 0.1.0
 */
export const check = (script: Script): Effect.Effect<void, unknown, Storage | JobQueue> =>
  make("", (fixture) =>
    Effect.gen(function*() {
      const ids = yield* Effect.all(Array.from({ length: 6 }, () => fixture.newId))
      const world = { ids, accounts: [fixture.accountId, fixture.otherAccountId] }
      let rows: ReadonlyArray<Release> = []
      for (const { abandon, steps } of script) {
        const outcome = yield* Effect.exit(fixture.storage.transaction(Effect.fnUntraced(function*(transaction) {
          let current = rows
          for (const step of steps) {
            const expected = apply(current, world, step)
            const actual = yield* Effect.result(run(transaction, current, world, step))
            const seen = actual._tag === "Success" ? actual.success : failureOf(actual.failure)
            yield* equal(`${JSON.stringify(step)} on ${JSON.stringify(current)}`, seen, expected.result)
            if (actual._tag === "Failure") return yield* Effect.fail("abandoned" as const)
            current = expected.rows
          }
          return abandon ? yield* Effect.fail("abandoned" as const) : current
        })))
        if (Exit.isSuccess(outcome)) rows = outcome.value
        else yield* equal<unknown>("the outcome", outcome, Exit.fail("abandoned"))
      }
    })).run

interface World {
  readonly ids: ReadonlyArray<string>
  readonly accounts: ReadonlyArray<string>
}

interface Outcome {
  readonly rows: ReadonlyArray<Release>
  readonly result: unknown
}

const idOf = (world: World, slot: number): string => world.ids[slot] ?? ""
const accountOf = (world: World, account: number): string => world.accounts[account] ?? ""

interface Writing {
  readonly operation: "insert" | "update" | "remove"
  readonly row: Release
}

/** What a step writes, with the revision that its writer has seen. */
const writing = (rows: ReadonlyArray<Release>, world: World, step: typeof Write.Type): Writing => {
  const id = idOf(world, step.slot)
  const current = rows.find((row) => row.id === id)
  const row = { id, accountId: accountOf(world, step.account), rev: (current?.rev ?? 1) - step.lag }
  if (step.operation === "remove") return { operation: "remove", row: { ...row, module: "", name: "", state: "draft" } }
  const { module, name, position, state } = step
  const filled = { ...row, module, name, state, ...(position === undefined ? {} : { position }) }
  if (step.operation !== "put") return { operation: step.operation, row: filled }
  return current === undefined
    ? { operation: "insert", row: filled }
    : { operation: "update", row: { ...filled, accountId: current.accountId } }
}

const apply = (rows: ReadonlyArray<Release>, world: World, step: Step): Outcome => {
  switch (step.operation) {
    case "put":
    case "insert":
    case "update":
    case "remove":
      return write(rows, writing(rows, world, step))
    case "get":
    case "locate": {
      const row = rows.find((row) => row.id === idOf(world, step.slot))
      const hidden = step.operation === "get" && row?.accountId !== accountOf(world, step.account)
      return { rows, result: Option.fromUndefinedOr(hidden ? undefined : row) }
    }
    case "scan":
      return {
        rows,
        result: paged(rows.filter((row) => row.accountId === accountOf(world, step.account)), world, step)
      }
    case "find":
    case "list": {
      const found = rows.filter((row) => row.accountId === accountOf(world, step.account) && matches(row, step))
      return { rows, result: step.operation === "list" ? paged(found, world, step) : Option.fromUndefinedOr(found[0]) }
    }
  }
}

const write = (rows: ReadonlyArray<Release>, { operation, row }: Writing): Outcome => {
  const others = rows.filter(({ id }) => id !== row.id)
  const current = rows.find(({ id }) => id === row.id)
  const refuse = (result: ReadonlyArray<unknown>): Outcome => ({ rows, result })
  if (operation === "insert" && current !== undefined) return refuse(["UniqueViolation", "id"])
  if (operation !== "insert") {
    if (current?.accountId !== row.accountId) return refuse(["RowNotFound"])
    if (current.rev !== row.rev) return refuse(["StaleRevision", row.rev, current.rev])
  }
  if (operation === "remove") return { rows: others, result: undefined }
  const sameModule = others.filter(({ accountId, module }) => accountId === row.accountId && module === row.module)
  if (sameModule.some(({ name }) => name === row.name)) return refuse(["UniqueViolation", "name"])
  if (row.state === "live" && sameModule.some(({ state }) => state === "live")) {
    return refuse(["UniqueViolation", "live"])
  }
  const result = { ...row, rev: operation === "insert" ? 1 : row.rev + 1 }
  return { rows: [...others, result].sort((left, right) => left.id < right.id ? -1 : 1), result }
}

const matches = (row: Release, step: typeof Find.Type): boolean => {
  if (step.index === "live") return row.state === "live" && (step.values.length === 0 || row.module === step.values[0])
  if (row.position === undefined || row.position === null) return false
  const [state, position] = step.values
  return (state === undefined || row.state === state) && (position === undefined || row.position === position)
}

const paged = (
  rows: ReadonlyArray<Release>,
  world: World,
  { after, descending, limit }: typeof Find.Type | typeof Scan.Type
): ReadonlyArray<Release> => {
  const ordered = descending ? rows.toReversed() : rows
  const start = after === undefined ? undefined : idOf(world, after)
  return ordered
    .filter(({ id }) => start === undefined || (descending ? id < start : id > start))
    .slice(0, limit ?? 100)
}

const run = (
  transaction: Transaction,
  rows: ReadonlyArray<Release>,
  world: World,
  step: Step
): Effect.Effect<unknown, StorageError> => {
  switch (step.operation) {
    case "put":
    case "insert":
    case "update":
    case "remove": {
      const { operation, row } = writing(rows, world, step)
      return transaction[operation](Releases, row)
    }
    case "get":
      return transaction.get(Releases, accountOf(world, step.account), idOf(world, step.slot))
    case "locate":
      return transaction.locate(Releases, idOf(world, step.slot))
    case "scan":
      return transaction.scan(Releases, accountOf(world, step.account), optionsOf(world, step))
    case "find":
      return transaction.find(Releases, accountOf(world, step.account), step.index, step.values)
    case "list":
      return transaction.list(Releases, accountOf(world, step.account), step.index, step.values, optionsOf(world, step))
  }
}

const optionsOf = (world: World, step: typeof Find.Type | typeof Scan.Type) => ({
  after: step.after === undefined ? undefined : idOf(world, step.after),
  limit: step.limit,
  descending: step.descending
})

const failureOf = (error: StorageError): unknown => {
  const { reason } = error
  switch (reason._tag) {
    case "UniqueViolation":
      return ["UniqueViolation", reason.index]
    case "StaleRevision":
      return ["StaleRevision", reason.expected, reason.actual]
    default:
      return [reason._tag]
  }
}
