/**
 * The storage port and its words.
 *
 * @since 0.1.0
 */
export * as Collection from "./Collection.ts"
export * as Job from "./Job.ts"
export * as JobQueue from "./JobQueue.ts"
export * as RowCodec from "./RowCodec.ts"
export * as Storage from "./Storage.ts"
export * as StorageError from "./StorageError.ts"
