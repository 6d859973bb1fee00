/**
 * Lamina's storage port and job queue in memory.
 *
 * @since 0.1.0
 */
export * as MemoryStorage from "./MemoryStorage.ts"
