/**
 * What a client shows to a registry to be let in. Secrets are `Redacted`.
 *
 * @since 0.1.0
 */
import type * as Redacted from "effect/Redacted"

/**
 * `Basic` is a user name and password, which Basic and Bearer registries both take. `RefreshToken` is an OAuth 2 (or
 * Docker identity) token that is exchanged for access tokens. `Bearer` is an access token, used as it is.
 *
 * @category models
 * @since 0.1.0
 */
export type Credentials =
  | { readonly _tag: "Basic"; readonly username: string; readonly password: Redacted.Redacted }
  | { readonly _tag: "RefreshToken"; readonly token: Redacted.Redacted }
  | { readonly _tag: "Bearer"; readonly token: Redacted.Redacted }

/**
 * A user name and password.
 *
 * @category constructors
 * @since 0.1.0
 */
export const basic = (username: string, password: Redacted.Redacted): Credentials => ({
  _tag: "Basic",
  username,
  password
})

/**
 * A token that is exchanged for access tokens.
 *
 * @category constructors
 * @since 0.1.0
 */
export const refreshToken = (token: Redacted.Redacted): Credentials => ({ _tag: "RefreshToken", token })

/**
 * An access token.
 *
 * @category constructors
 * @since 0.1.0
 */
export const bearer = (token: Redacted.Redacted): Credentials => ({ _tag: "Bearer", token })
