/**
 * Request headers as hosts have them: a Web `Headers`, or the plain record of node:http and many frameworks.
 *
 * @since 0.1.0
 */

/**
 * Headers of a request; names are matched without regard to case.
 *
 * @category models
 * @since 0.1.0
 */
export type WebhookHeaders = Headers | Readonly<Record<string, string | ReadonlyArray<string> | undefined>>

/**
 * The value of a header, or `undefined` when it is absent; an empty header is the empty text.
 *
 * A header that was sent twice comes joined with `", "`, the way `Headers` and node:http join it, so that what reads
 * one value strictly refuses two.
 *
 * @category getters
 * @since 0.1.0
 */
export const get = (headers: WebhookHeaders, name: string): string | undefined => {
  if (isWebHeaders(headers)) return headers.get(name) ?? undefined
  const wanted = name.toLowerCase()
  const values = Object.entries(headers)
    .filter(([key]) => key.toLowerCase() === wanted)
    .flatMap(([, value]) => value ?? [])
  return values.length === 0 ? undefined : values.join(", ")
}

// Told by shape, not by class: undici has a `Headers` of its own.
const isWebHeaders = (headers: WebhookHeaders): headers is Headers => typeof headers.get === "function"
