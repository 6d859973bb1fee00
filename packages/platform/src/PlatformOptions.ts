/**
 * What a host passes to `createPlatform`: plain data, checked at once, with every problem named.
 *
 * @since 0.1.0
 */
import { HttpRegistry, LayoutRegistry, type Registry, type RegistryError } from "@lamina/oci"
import { TrustRoot } from "@lamina/signing"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { z } from "zod"
import * as AesSecretBox from "./adapters/AesSecretBox.ts"

const isRegistry = (value: unknown): value is Registry.Registry =>
  typeof value === "object" && value !== null && "getManifest" in value && "getBlob" in value && "referrers" in value

const RegistryOption = z.union([
  z.custom<Registry.Registry>(isRegistry, "expected a Registry of @lamina/oci, { url } or { directory }"),
  z.strictObject({
    url: z.url({ protocol: /^https?$/, error: "expected an http:// or https:// URL" }),
    username: z.string().min(1).optional(),
    password: z.string().optional(),
    insecure: z.boolean().optional()
  }).refine(({ password, username }) => password === undefined || username !== undefined, {
    path: ["username"],
    error: "expected one beside the password"
  }),
  z.strictObject({ directory: z.string().min(1) })
])

const StorageOption = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("memory") }),
  z.strictObject({
    kind: z.literal("postgres"),
    url: z.string().regex(/^postgres(?:ql)?:\/\//, "expected a postgres:// URL"),
    schema: z.string().min(1).optional(),
    prefix: z.string().optional()
  })
])

/**
 * The schema of the options.
 *
 * @category schemas
 * @since 0.1.0
 */
export const PlatformOptions = z.strictObject({
  /** Where rows and jobs are kept. Default: in memory, gone with the process. */
  storage: StorageOption.default({ kind: "memory" }),
  /** A registry by URL, a directory of OCI layouts, or one of `@lamina/oci`. */
  registry: RegistryOption,
  /** The content of `trusted_root.json`; without it no keyless signature is accepted. */
  trustedRoot: z.unknown().optional(),
  /** At least 32 random characters, kept outside of the database: webhook secrets are stored under it. */
  secretKey: z.string().min(
    AesSecretBox.minimumKeyLength,
    `expected at least ${AesSecretBox.minimumKeyLength} random characters (openssl rand -base64 32)`
  ),
  /** Keys that were in use before; they only open. */
  previousSecretKeys: z.array(z.string().min(AesSecretBox.minimumKeyLength)).default([]),
  /** Whether a signature by a key must be in a transparency log. Default true, as cosign does. */
  keysRequireTransparencyLog: z.boolean().default(true),
  /** Whether webhooks must carry a Standard Webhooks signature, which cannot be replayed. Default false. */
  requireReplayProtection: z.boolean().default(false),
  /** Whether ingest rebuilds every image from its file layer and compares. Default true. */
  deepIngest: z.boolean().default(true)
})

/**
 * What a host writes.
 *
 * @category models
 * @since 0.1.0
 */
export type PlatformOptions = z.input<typeof PlatformOptions>

/**
 * The options as they are used, defaults filled in.
 *
 * @category models
 * @since 0.1.0
 */
export type CheckedOptions = z.output<typeof PlatformOptions>

/**
 * Options that cannot be used; every problem begins with the name of the option.
 *
 * @category errors
 * @since 0.1.0
 */
export class InvalidOptions extends Schema.TaggedError<InvalidOptions>("@lamina/platform/InvalidOptions")(
  "InvalidOptions",
  { problems: Schema.Array(Schema.String) }
) {
  override get message(): string {
    return `cannot create a platform: ${this.problems.join("; ")}`
  }
}

/**
 * Checks options.
 *
 * @category decoding
 * @since 0.1.0
 */
export const check = (options: PlatformOptions): Result.Result<CheckedOptions, InvalidOptions> => {
  const parsed = PlatformOptions.safeParse(options)
  return parsed.success
    ? Result.succeed(parsed.data)
    : Result.fail(new InvalidOptions({ problems: parsed.error.issues.map(problemOf) }))
}

// zod's messages name types and limits, never the value: a secret that is too short does not end up in a log.
const problemOf = (issue: z.core.$ZodIssue): string => {
  const path: Array<PropertyKey> = [...issue.path]
  let innermost = issue
  // Of a union's alternatives, the one meant is that whose own shape fits and where only something inside is wrong.
  while (innermost.code === "invalid_union") {
    const meant = innermost.errors.find((issues) => issues.every(isInside)) ?? innermost.errors[0]
    const next = meant?.[0]
    if (next === undefined) break
    path.push(...next.path)
    innermost = next
  }
  return `${path.map(String).join(".") || "options"}: ${innermost.message}`
}

const isInside = ({ code, path }: z.core.$ZodIssue): boolean => path.length > 0 || code === "unrecognized_keys"

/**
 * Opens the registry of the options.
 *
 * @category constructors
 * @since 0.1.0
 */
export const openRegistry = (
  option: CheckedOptions["registry"]
): Effect.Effect<Registry.Registry, RegistryError.RegistryError, Scope.Scope> => {
  if (isRegistry(option)) return Effect.succeed(option)
  if ("directory" in option) return LayoutRegistry.make({ root: option.directory })
  return HttpRegistry.make({
    url: option.url,
    insecure: option.insecure,
    credentials: option.username === undefined
      ? undefined
      : { _tag: "Basic", username: option.username, password: Redacted.make(option.password ?? "") }
  })
}

/**
 * Reads the trust root of the options.
 *
 * @category constructors
 * @since 0.1.0
 */
export const readTrustRoot = (json: unknown): Result.Result<TrustRoot.TrustRoot | undefined, InvalidOptions> =>
  json === undefined
    ? Result.succeed(undefined)
    : Result.mapError(
      TrustRoot.fromJson(json, "trustedRoot"),
      (error) => new InvalidOptions({ problems: [`trustedRoot: ${error.message}`] })
    )
