/** Which token servers get to see the credentials of a registry. */
import * as Result from "effect/Result"
import { UnsafeRedirect } from "../../RegistryError.ts"
import type { Settings } from "./settings.ts"
import * as target from "./target.ts"

/** Registries whose token server is known to be elsewhere. */
const knownRealms: ReadonlyArray<readonly [registry: string, realm: string]> = [
  ["registry-1.docker.io", "auth.docker.io"],
  ["index.docker.io", "auth.docker.io"],
  ["registry.gitlab.com", "gitlab.com"]
]

/** A realm that may be asked, and whether with credentials. */
export interface Realm {
  readonly url: URL
  readonly trusted: boolean
}

/**
 * Looks at the realm of a challenge. The registry's own host and hosts below it are trusted; so are those that the
 * caller named. Any other public host is asked anonymously: a registry must not send its users' passwords elsewhere.
 */
export const examine = (text: string, settings: Settings): Result.Result<Realm, UnsafeRedirect> =>
  Result.gen(function*() {
    const { registry } = settings
    const url = URL.parse(text)
    const refuse = (rule: string) =>
      Result.fail(new UnsafeRedirect({ from: registry.origin, to: url === null ? "?" : target.shown(url), rule }))
    if (url === null) return yield* refuse("the realm is not a URL")
    if (settings.trustedRealms.has(url.host)) {
      if (registry.protocol === "https:" && url.protocol !== "https:") return yield* refuse("the realm is not https")
      return { url, trusted: true }
    }
    yield* target.check(registry, url, settings)
    // Without TLS on the way, nobody knows who answers for another host.
    const sameHost = url.host === registry.host && url.protocol === registry.protocol
    const below = url.protocol === "https:" && url.hostname.endsWith(`.${registry.hostname}`)
    const known = url.protocol === "https:" &&
      knownRealms.some(([from, to]) => from === registry.host && to === url.host)
    return { url, trusted: sameHost || below || known }
  })
