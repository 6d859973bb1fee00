/**
 * Where a client may be sent by a registry's answer: redirects, upload locations and token realms. An answer must not
 * make it talk plain HTTP, or to hosts that only the client can reach.
 */
import * as Result from "effect/Result"
import { lookup as resolve } from "node:dns"
import { BlockList, isIP, type LookupFunction } from "node:net"
import { UnsafeRedirect } from "../../RegistryError.ts"

const notPublic = new BlockList()
for (
  const [network, prefix] of [
    ["0.0.0.0", 8],
    ["10.0.0.0", 8],
    ["100.64.0.0", 10],
    ["127.0.0.0", 8],
    ["169.254.0.0", 16],
    ["172.16.0.0", 12],
    ["192.0.0.0", 24],
    ["192.168.0.0", 16],
    ["198.18.0.0", 15],
    ["224.0.0.0", 4],
    ["240.0.0.0", 4]
  ] as const
) notPublic.addSubnet(network, prefix, "ipv4")
for (
  const [network, prefix] of [
    ["::", 127],
    ["64:ff9b::", 96],
    ["2002::", 16],
    ["fc00::", 7],
    ["fe80::", 10],
    ["ff00::", 8]
  ] as const
) notPublic.addSubnet(network, prefix, "ipv6")

/** Says whether an address can be reached by anybody. IPv4 inside IPv6 is looked at as IPv4. */
const isPublicAddress = (address: string): boolean => {
  const family = isIP(address)
  return family !== 0 && !notPublic.check(address, family === 4 ? "ipv4" : "ipv6")
}

/** The host of a URL without brackets and without the dot of the root. */
const bareHost = (url: URL): string => url.hostname.replace(/^\[|\]$/g, "").replace(/\.$/, "")

/** Says whether a host is this machine, by name or address. */
export const isLoopback = (url: URL): boolean => {
  const host = bareHost(url)
  return host === "localhost" || host.endsWith(".localhost") || host === "::1" ||
    (isIP(host) === 4 && host.startsWith("127."))
}

const mayBePublic = (url: URL): boolean => isIP(bareHost(url)) === 0 ? !isLoopback(url) : isPublicAddress(bareHost(url))

/** The rules for a target; the registry's own origin is always allowed. Names are looked at again when they resolve. */
export const check = (
  registry: URL,
  target: URL,
  options: { readonly allowPrivateTargets: boolean }
): Result.Result<URL, UnsafeRedirect> => {
  const refuse = (rule: string) => Result.fail(new UnsafeRedirect({ from: registry.origin, to: shown(target), rule }))
  if (target.username !== "" || target.password !== "") return refuse("the URL contains credentials")
  if (target.origin === registry.origin) return Result.succeed(target)
  if (target.protocol !== "https:" && target.protocol !== "http:") return refuse("the URL is not of http or https")
  if (registry.protocol === "https:" && target.protocol !== "https:") return refuse("it leads from https to http")
  if (!options.allowPrivateTargets && !mayBePublic(target)) return refuse("the host is not a public one")
  return Result.succeed(target)
}

/** A URL as errors show it: query strings hold signatures and states. */
export const shown = (url: URL): string => `${url.origin}${url.pathname}`.slice(0, 300)

/** A `lookup` for sockets that refuses names which lead to addresses that are not public. */
export const publicLookup: LookupFunction = (hostname, options, callback) => {
  resolve(hostname, { ...options, all: true }, (error, addresses) => {
    const refused = addresses?.find(({ address }) => !isPublicAddress(address))
    const first = addresses?.[0]
    if (error !== null) callback(error, [])
    else if (refused !== undefined || first === undefined) {
      callback(new Error(`${hostname} does not lead to a public address`), [])
    } else if (options.all === true) callback(null, addresses)
    else callback(null, first.address, first.family)
  })
}
