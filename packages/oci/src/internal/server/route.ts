/** Where a request goes: the paths of the distribution specification. */

/** What a path names. Names and digests are not checked here; the registry checks them. */
export type Route =
  | { readonly _tag: "Base" }
  | { readonly _tag: "Catalog" }
  | { readonly _tag: "Blob"; readonly repository: string; readonly digest: string }
  | { readonly _tag: "Uploads"; readonly repository: string }
  | { readonly _tag: "Upload"; readonly repository: string; readonly id: string }
  | { readonly _tag: "Manifest"; readonly repository: string; readonly reference: string }
  | { readonly _tag: "Tags"; readonly repository: string }
  | { readonly _tag: "Referrers"; readonly repository: string; readonly digest: string }

/** Reads a path from its end, because repository names have any number of components. */
export const parse = (pathname: string): Route | undefined => {
  if (pathname === "/v2/" || pathname === "/v2") return { _tag: "Base" }
  if (pathname === "/v2/_catalog") return { _tag: "Catalog" }
  if (!pathname.startsWith("/v2/")) return undefined
  const segments = pathname.slice("/v2/".length).split("/").map(decode)
  const name = (dropped: number): string => segments.slice(0, -dropped).join("/")
  const [third, second, last] = [segments.at(-3), segments.at(-2), segments.at(-1)]
  if (last === undefined || segments.length < 3) return undefined

  if (third === "blobs" && second === "uploads") {
    const repository = name(3)
    return last === "" ? { _tag: "Uploads", repository } : { _tag: "Upload", repository, id: last }
  }
  if (second === "blobs" && last === "uploads") return { _tag: "Uploads", repository: name(2) }
  if (second === "blobs") return { _tag: "Blob", repository: name(2), digest: last }
  if (second === "manifests") return { _tag: "Manifest", repository: name(2), reference: last }
  if (second === "tags" && last === "list") return { _tag: "Tags", repository: name(2) }
  if (second === "referrers") return { _tag: "Referrers", repository: name(2), digest: last }
  return undefined
}

// Clients may escape the colon of a digest. Any other escape is part of no name, and is refused as one.
const decode = (segment: string): string => segment.replaceAll(/%3a/gi, ":")
