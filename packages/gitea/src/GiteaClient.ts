/**
 * The API of a Gitea or Forgejo server, scoped to one address and one token.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ActionSecrets from "./ActionSecrets.ts"
import * as Contents from "./Contents.ts"
import type { GiteaError } from "./GiteaError.ts"
import * as GiteaHttp from "./GiteaHttp.ts"
import * as Hooks from "./Hooks.ts"
import * as Packages from "./Packages.ts"
import * as Repositories from "./Repositories.ts"
import * as Runs from "./Runs.ts"
import type * as ServerVersion from "./ServerVersion.ts"
import * as Tags from "./Tags.ts"
import * as Workflows from "./Workflows.ts"

/**
 * The resources of a server, and `http` for what they do not cover.
 *
 * @category models
 * @since 0.1.0
 */
export interface Resources {
  readonly http: GiteaHttp.GiteaHttp
  readonly version: Effect.Effect<ServerVersion.ServerVersion, GiteaError>
  readonly repositories: Repositories.Repositories
  readonly contents: Contents.Contents
  readonly tags: Tags.Tags
  readonly hooks: Hooks.Hooks
  readonly actionSecrets: ActionSecrets.ActionSecrets
  readonly workflows: Workflows.Workflows
  readonly runs: Runs.Runs
  readonly packages: Packages.Packages
}

/**
 * The client as a service.
 *
 * @category services
 * @since 0.1.0
 */
export class GiteaClient extends Context.Service<GiteaClient, Resources>()("@lamina/gitea/GiteaClient") {}

/**
 * Makes a client; fails when the address or the token cannot be used. Nothing is sent yet.
 *
 * @example
 * ```ts
 * import { GiteaClient } from "@lamina/gitea"
 * import * as Effect from "effect/Effect"
 * import * as Redacted from "effect/Redacted"
 *
 * const manifest = Effect.gen(function*() {
 *   const gitea = yield* GiteaClient.make({ baseUrl: "https://git.example.org", token: Redacted.make("…") })
 *   return yield* gitea.contents.get({ owner: "acme", name: "redis" }, { path: "manifest.yaml", ref: "v0.1.0" })
 * })
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: GiteaHttp.GiteaHttpOptions): Effect.Effect<Resources, GiteaError> =>
  Effect.map(GiteaHttp.make(options), fromHttp)

/**
 * The client as a layer.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: GiteaHttp.GiteaHttpOptions): Layer.Layer<GiteaClient, GiteaError> =>
  Layer.effect(GiteaClient, make(options))

/**
 * The resources over a connection that is there already.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromHttp = (http: GiteaHttp.GiteaHttp): Resources => ({
  http,
  version: http.version,
  repositories: Repositories.make(http),
  contents: Contents.make(http),
  tags: Tags.make(http),
  hooks: Hooks.make(http),
  actionSecrets: ActionSecrets.make(http),
  workflows: Workflows.make(http),
  runs: Runs.make(http),
  packages: Packages.make(http)
})
