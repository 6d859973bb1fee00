/**
 * What a host needs to test against signing: a private Sigstore in its own process.
 *
 * @since 0.1.0
 */
export * as PrivateSigstore from "./PrivateSigstore.ts"
