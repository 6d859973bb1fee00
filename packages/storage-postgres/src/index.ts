/**
 * Lamina's storage port and job queue on PostgreSQL.
 *
 * @since 0.1.0
 */
export * as EmbeddedPostgres from "./EmbeddedPostgres.ts"
export * as EmbeddedPostgresError from "./EmbeddedPostgresError.ts"
export * as PostgresStorage from "./PostgresStorage.ts"
