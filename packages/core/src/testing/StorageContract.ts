/**
 * The contract of the storage port and of the job queue: cases that every adapter passes, concurrency included.
 *
 * An adapter runs them in three lines of its test runner:
 *
 * ```ts
 * for (const { name, run } of StorageContract.cases) {
 *   it.effect(name, () => Effect.provide(run, MemoryStorage.layer))
 * }
 * ```
 *
 * An adapter that must know its collections beforehand takes {@link collections}. Cases may share a database, and may
 * run at the same time: each has its own accounts and kinds of jobs.
 *
 * @since 0.1.0
 */
import type { Collection, Row } from "../storage/Collection.ts"
import { Documents, Releases } from "./contract/Collections.ts"
import { jobCases } from "./contract/JobCases.ts"
import { rowCases } from "./contract/RowCases.ts"
import { storedTextCases } from "./contract/StoredTextCases.ts"
import { transactionCases } from "./contract/TransactionCases.ts"
import type { ContractCase } from "./ContractCase.ts"

/**
 * The collections that the cases use.
 *
 * @category collections
 * @since 0.1.0
 */
export const collections: ReadonlyArray<Collection<Row>> = [Releases, Documents]

/**
 * What every adapter of storage and of the job queue does.
 *
 * @category cases
 * @since 0.1.0
 */
export const cases: ReadonlyArray<ContractCase> = [
  ...rowCases,
  ...storedTextCases,
  ...transactionCases,
  ...jobCases
]
