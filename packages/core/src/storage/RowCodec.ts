/**
 * Rows as text: what every adapter of the storage port stores, and what none of them accepts.
 *
 * A row is stored as the JSON text of its encoded side, a plain object whose `id`, `accountId` and `rev` are the row's
 * own. Its schema must work without services and without asynchronous steps. The limits below are those of PostgreSQL's
 * `jsonb` and of its indexes (PostgreSQL 18, 8.14 "JSON Types", 65.1 "B-Tree Indexes"); all adapters keep them, so that
 * a row which one refuses is refused by all. The order of an object's keys is not kept.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { Collection, Index, Key, Row } from "./Collection.ts"
import type { NewJob } from "./Job.ts"
import { CorruptRow, InvalidRow, StorageError } from "./StorageError.ts"

/**
 * The size in bytes (UTF-8) which the JSON text of a row or of a job's payload may have.
 *
 * @category limits
 * @since 0.1.0
 */
export const maximumRowBytes = 4 * 1024 * 1024

/**
 * The size in bytes (UTF-8) which the account and the texts of one index of a row may have together.
 *
 * @category limits
 * @since 0.1.0
 */
export const maximumKeyBytes = 2000

/**
 * How deep objects and arrays may be nested.
 *
 * @category limits
 * @since 0.1.0
 */
export const maximumDepth = 200

/**
 * The number of rows of a page when the caller does not say.
 *
 * @category limits
 * @since 0.1.0
 */
export const defaultPageLimit = 100

/**
 * The number of rows that a page has at most, and of jobs that a worker claims at once.
 *
 * @category limits
 * @since 0.1.0
 */
export const maximumPageLimit = 1000

/**
 * A row as it is stored: its JSON text, and its values in each index that it is part of.
 *
 * @category models
 * @since 0.1.0
 */
export interface EncodedRow {
  readonly id: string
  readonly accountId: string
  readonly rev: number
  readonly json: string
  readonly keys: ReadonlyMap<string, ReadonlyArray<Key>>
}

/**
 * Encodes a row with a revision; fails with `InvalidRow`.
 *
 * @category encoding
 * @since 0.1.0
 */
export const encode = <R extends Row, I extends string>(
  collection: Collection<R, I>,
  row: R,
  rev: number
): Result.Result<EncodedRow, StorageError> => {
  const invalid = (detail: string) => invalidRow(collection.name, row.id, detail)
  const encoded = Schema.encodeUnknownResult(collection.schema)(row)
  if (Result.isFailure(encoded)) return invalid(encoded.failure.message)
  if (!isPlainObject(encoded.success)) return invalid("expected the schema to encode to an object")
  const fields: Readonly<Record<string, unknown>> = { ...encoded.success, rev }
  if (fields.id !== row.id || fields.accountId !== row.accountId) {
    return invalid("expected the encoded id and accountId to be the row's own")
  }
  if (!isRowId(row.id)) return invalid("expected id to be a UUID in lower case")
  const json = toJsonText(fields)
  if (Result.isFailure(json)) return invalid(json.failure)
  if (keyBytes([row.accountId]) > maximumKeyBytes) return invalid(`accountId exceeds ${maximumKeyBytes} bytes`)

  const keys = new Map<string, ReadonlyArray<Key>>()
  for (const [name, index] of Object.entries<Index>(collection.indexes)) {
    const values = indexValues(index, fields)
    if (values === undefined) continue
    if (keyBytes([row.accountId, ...values]) > maximumKeyBytes) {
      return invalid(`accountId and ${index.fields.join(", ")} exceed ${maximumKeyBytes} bytes together`)
    }
    keys.set(name, values)
  }
  return Result.succeed({ id: row.id, accountId: row.accountId, rev, json: json.success, keys })
}

/**
 * Decodes a row from its JSON text; fails with `CorruptRow`.
 *
 * @category decoding
 * @since 0.1.0
 */
export const decode = <R extends Row, I extends string>(
  collection: Collection<R, I>,
  id: string,
  json: string
): Result.Result<R, StorageError> => {
  const corrupt = (detail: string) =>
    Result.fail(new StorageError({ reason: new CorruptRow({ collection: collection.name, id, detail }) }))
  const parsed = Result.try((): unknown => JSON.parse(json))
  if (Result.isFailure(parsed)) return corrupt("it is not JSON")
  const row = Schema.decodeUnknownResult(collection.schema)(parsed.success)
  return Result.isFailure(row) ? corrupt(row.failure.message) : Result.succeed(row.success)
}

/**
 * The JSON text of a job's payload; fails with `InvalidRow` when the job cannot be stored.
 *
 * @category encoding
 * @since 0.1.0
 */
export const encodePayload = (job: NewJob): Result.Result<string, StorageError> => {
  const invalid = (detail: string) => invalidRow("jobs", job.key, detail)
  const name = [job.accountId, job.kind, job.key]
  if (!name.every(isStorableText)) return invalid("expected accountId, kind and key to be Unicode text without U+0000")
  if (keyBytes(name) > maximumKeyBytes) {
    return invalid(`accountId, kind and key exceed ${maximumKeyBytes} bytes together`)
  }
  if (job.availableAt !== undefined && !Number.isFinite(job.availableAt)) {
    return invalid(`expected availableAt to be a finite number, got ${job.availableAt}`)
  }
  const json = toJsonText(job.payload)
  return Result.isFailure(json) ? invalid(`payload: ${json.failure}`) : Result.succeed(json.success)
}

/**
 * Whether a text is a UUID as rows have it: lower case, with hyphens. Nothing else can be the id of a stored row.
 *
 * @category predicates
 * @since 0.1.0
 */
export const isRowId = (text: string): boolean => rowId.test(text)

/**
 * Whether a text can be stored: Unicode without U+0000 and without lone surrogates, which `jsonb` refuses.
 *
 * @category predicates
 * @since 0.1.0
 */
export const isStorableText = (text: string): boolean => !text.includes("\u0000") && !loneSurrogate.test(text)

/**
 * Whether a row can have the values in an index at all.
 *
 * @category predicates
 * @since 0.1.0
 */
export const isStorableKey = (accountId: string, values: ReadonlyArray<Key>): boolean =>
  [accountId, ...values].every((value) =>
    typeof value === "string" ? isStorableText(value) : typeof value === "boolean" || Number.isFinite(value)
  )

/**
 * A text which is the same for the same values of the same types.
 *
 * @category encoding
 * @since 0.1.0
 */
export const keyText = (accountId: string, values: ReadonlyArray<Key>): string => JSON.stringify([accountId, ...values])

/**
 * The number of rows that a page may have.
 *
 * @category limits
 * @since 0.1.0
 */
export const pageLimit = (limit: number = defaultPageLimit): number =>
  Math.floor(Math.min(Math.max(limit || 0, 0), maximumPageLimit))

/**
 * An error text that can be stored: what cannot is replaced, and the rest cut at 8,192 characters.
 *
 * @category encoding
 * @since 0.1.0
 */
export const storableErrorText = (text: string): string =>
  text.slice(0, 8192).replaceAll("\u0000", "\uFFFD").replaceAll(loneSurrogates, "\uFFFD")

const rowId = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const loneSurrogate = /\p{Surrogate}/u
const loneSurrogates = /\p{Surrogate}/gu
const utf8 = new TextEncoder()

const invalidRow = (collection: string, id: string, detail: string) =>
  Result.fail(new StorageError({ reason: new InvalidRow({ collection, id, detail }) }))

const isPlainObject = (value: unknown): value is Readonly<Record<string, unknown>> => {
  if (typeof value !== "object" || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

const isKey = (value: unknown): value is Key =>
  typeof value === "string" || typeof value === "number" || typeof value === "boolean"

const indexValues = (
  index: Index,
  fields: Readonly<Record<string, unknown>>
): ReadonlyArray<Key> | undefined => {
  if (index.where !== undefined && fields[index.where.field] !== index.where.equals) return undefined
  const values = index.fields.map((field) => fields[field])
  return values.every(isKey) ? values : undefined
}

const keyBytes = (values: ReadonlyArray<Key>): number =>
  values.reduce((sum: number, value) => sum + (typeof value === "string" ? utf8.encode(value).length : 0), 0)

const toJsonText = (value: unknown): Result.Result<string, string> => {
  const problem = jsonProblem(value, "", 0)
  if (problem !== undefined) return Result.fail(problem)
  const text = JSON.stringify(value)
  const bytes = utf8.encode(text).length
  return bytes > maximumRowBytes
    ? Result.fail(`expected at most ${maximumRowBytes} bytes of JSON, got ${bytes}`)
    : Result.succeed(text)
}

// JSON.stringify drops or changes silently what is not JSON, therefore the value is looked through first.
const jsonProblem = (value: unknown, path: string, depth: number): string | undefined => {
  const at = path === "" ? "the value" : path
  if (value === null || typeof value === "boolean") return undefined
  if (typeof value === "string") {
    return isStorableText(value) ? undefined : `expected Unicode text without U+0000 at ${at}`
  }
  if (typeof value === "number") {
    return isStorableNumber(value)
      ? undefined
      : `cannot store the number ${value} at ${at}`
  }
  if (depth >= maximumDepth) return `nested deeper than ${maximumDepth} levels`
  if (Array.isArray(value)) return firstProblem(value.entries(), path, depth)
  if (!isPlainObject(value)) return `expected JSON at ${at}, got ${typeof value}`
  // A key without a value is as good as an absent one.
  const properties = Object.entries(value).filter(([, property]) => property !== undefined)
  if (!properties.every(([key]) => isStorableText(key))) return `expected keys without U+0000 in ${at}`
  return firstProblem(properties, path, depth)
}

const firstProblem = (
  entries: Iterable<readonly [string | number, unknown]>,
  path: string,
  depth: number
): string | undefined => {
  for (const [key, value] of entries) {
    const problem = jsonProblem(value, `${path}/${key}`, depth + 1)
    if (problem !== undefined) return problem
  }
  return undefined
}

// `jsonb` writes numbers out in full: 1e300 would come back as 301 digits.
const isStorableNumber = (value: number): boolean =>
  value === 0 || (Number.isFinite(value) && Math.abs(value) < 1e21 && Math.abs(value) >= 1e-21)
