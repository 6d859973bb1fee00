/**
 * What a host needs to test against PostgreSQL.
 *
 * @since 0.1.0
 */
export * as TestDatabase from "./TestDatabase.ts"
