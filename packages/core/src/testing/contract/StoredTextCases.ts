/**
 * The part of the storage contract about what can be stored, and that it comes back as it was.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { maximumDepth, maximumKeyBytes, maximumRowBytes } from "../../storage/RowCodec.ts"
import { type ContractCase, equal, failsWith, make } from "../ContractCase.ts"
import { Documents, Releases } from "./Collections.ts"

const nested = (depth: number): unknown => depth === 0 ? 0 : [nested(depth - 1)]

const storable: ReadonlyArray<unknown> = [
  null,
  "",
  "\u0001 \u001f \" \\ / \u007f \u2028 \u00e9 e\u0301 \u4e2d \u{1F600} \uFFFF",
  "\\u0000 and '; drop table x; --",
  [Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, 0.1, 1 / 3, -1e-20, 123456789012345680000, 5e-21],
  { "": [], a: {}, "a b": [[], [null, true, false]], constructor: "x", é: 1 },
  JSON.parse("{\"__proto__\": {\"a\": 1}}"),
  nested(maximumDepth - 1),
  "x".repeat(1_000_000)
]

const unstorable: ReadonlyArray<readonly [name: string, content: unknown]> = [
  ["U+0000", { a: ["b\u0000c"] }],
  ["U+0000 in a key", { "a\u0000": 1 }],
  ["a lone surrogate", "\uD83D"],
  ["a reversed pair of surrogates", ["\uDE00\uD83D"]],
  ["not a number", Number.NaN],
  ["infinity", [Number.POSITIVE_INFINITY]],
  ["a number that is too great", 1e21],
  ["a number that is too small", 1e-22],
  ["a map", new Map()],
  ["a big integer", 1n],
  ["a function", () => 0],
  ["undefined in a list", [undefined]],
  ["too many levels", nested(maximumDepth + 1)],
  ["too many bytes", "\u20AC".repeat(maximumRowBytes / 3)]
]

/**
 * What adapters store and what they refuse.
 *
 * @category cases
 * @since 0.1.0
 */
export const storedTextCases: ReadonlyArray<ContractCase> = [
  make("gives JSON back as it was stored", ({ accountId, newId, storage }) =>
    Effect.forEach(
      storable,
      Effect.fnUntraced(function*(content) {
        const row = { id: yield* newId, accountId, rev: 1, size: 2n ** 100n, content }
        const inserted = yield* storage.transaction((transaction) => transaction.insert(Documents, row))
        yield* equal("the inserted row", inserted, row)
        const stored = yield* storage.transaction((transaction) => transaction.get(Documents, accountId, row.id))
        yield* equal("the stored row", stored, Option.some(row))
      }),
      { discard: true }
    )),

  make(
    "looks up by the encoded values",
    ({ accountId, newId, storage }) =>
      storage.transaction(Effect.fnUntraced(function*(transaction) {
        const row = yield* transaction.insert(Documents, { id: yield* newId, accountId, rev: 0, size: 5n, content: 0 })
        yield* equal("find", yield* transaction.find(Documents, accountId, "size", ["5"]), Option.some(row))
      }))
  ),

  make(
    "leaves out a key without a value",
    ({ accountId, newId, storage }) =>
      storage.transaction(Effect.fnUntraced(function*(transaction) {
        const content = { a: undefined, b: 1 }
        const row = yield* transaction.insert(Documents, { id: yield* newId, accountId, rev: 0, size: 0n, content })
        yield* equal("the content", row.content, { b: 1 })
      }))
  ),

  make(
    "refuses what is not storable JSON, and keeps the row as it was",
    ({ accountId, newId, storage }) =>
      Effect.gen(function*() {
        const row = yield* storage.transaction((transaction) =>
          Effect.flatMap(newId, (id) => transaction.insert(Documents, { id, accountId, rev: 0, size: 0n, content: 0 }))
        )
        for (const [name, content] of unstorable) {
          const update = storage.transaction((transaction) => transaction.update(Documents, { ...row, content }))
          const reason = yield* failsWith(name, update, "InvalidRow")
          yield* equal("the row that is meant", [reason.collection, reason.id], [Documents.name, row.id])
          const id = yield* newId
          const insert = storage.transaction((transaction) => transaction.insert(Documents, { ...row, id, content }))
          yield* failsWith(name, insert, "InvalidRow")
        }
        const stored = yield* storage.transaction((transaction) => transaction.scan(Documents, accountId))
        yield* equal("the rows", stored, [row])
      })
  ),

  make(
    "refuses ids that are no UUID, texts that no index can hold, and rows that do not fit their schema",
    (fixture) =>
      Effect.gen(function*() {
        const { accountId, newId, storage } = fixture
        const row = { id: yield* newId, accountId, rev: 0, module: "base", name: "a", state: "draft" } as const
        const bad = [
          { ...row, id: "1" },
          { ...row, id: row.id.toUpperCase() },
          { ...row, name: "x".repeat(maximumKeyBytes) },
          { ...row, accountId: `${accountId}\u0000` },
          { ...row, position: Number.NaN }
        ]
        for (const invalid of bad) {
          const insert = storage.transaction((transaction) => transaction.insert(Releases, invalid))
          yield* failsWith("insert", insert, "InvalidRow")
        }
        const longest = "x".repeat(maximumKeyBytes - accountId.length - row.module.length)
        yield* storage.transaction((transaction) => transaction.insert(Releases, { ...row, name: longest }))
      })
  )
]
