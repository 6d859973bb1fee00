/**
 * The domain: what modules are, which versions of them may go where, and the ports to the world around.
 *
 * @since 0.1.0
 */
export * from "./approvals/index.ts"
export * from "./catalog/index.ts"
export * from "./composition/index.ts"
export * from "./events/index.ts"
export * from "./fleet/index.ts"
export * from "./ingest/index.ts"
export * from "./manifest/index.ts"
export * from "./specs/index.ts"
export * from "./storage/index.ts"
export * from "./templates/index.ts"
export * from "./versions/index.ts"
export * from "./webhooks/index.ts"
