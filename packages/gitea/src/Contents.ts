/**
 * Files of a repository as they are at a reference.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { GiteaError } from "./GiteaError.ts"
import type { Call, GiteaHttp } from "./GiteaHttp.ts"
import { decodeCanonical } from "./internal/base64.ts"
import { maybe } from "./internal/wire.ts"
import type { RepositoryName } from "./Repositories.ts"

/**
 * A file: `sha` is git's id of the blob, `bytes` its content.
 *
 * @category models
 * @since 0.1.0
 */
export interface FileContents {
  readonly path: string
  readonly sha: string
  readonly bytes: Uint8Array
}

/**
 * Which file to read. `ref` is a commit, a tag or a branch; the default branch when it is absent. `limitBytes` bounds
 * the file (default 1 MiB).
 *
 * @category models
 * @since 0.1.0
 */
export interface GetOptions {
  readonly path: string
  readonly ref?: string | undefined
  readonly limitBytes?: number | undefined
}

/**
 * The calls that read files.
 *
 * @category models
 * @since 0.1.0
 */
export interface Contents {
  readonly get: (repository: RepositoryName, options: GetOptions) => Effect.Effect<FileContents, GiteaError>
}

const ContentsBody = Schema.Struct({
  type: Schema.Literal("file"),
  path: Schema.String,
  sha: Schema.String,
  size: Schema.Int,
  encoding: maybe(Schema.String),
  content: maybe(Schema.String)
})

const defaultLimitBytes = 1024 * 1024
const envelopeBytes = 64 * 1024

const callOf = ({ name, owner }: RepositoryName, options: GetOptions, limitBytes: number): Call => ({
  method: "GET",
  path: ["repos", owner, name, "contents", ...options.path.split("/")],
  query: { ref: options.ref },
  // Base64 makes four bytes of three; Gitea may break its lines.
  limitBytes: Math.ceil(limitBytes * 1.4) + envelopeBytes
})

const bytesOf = (body: typeof ContentsBody.Type): Result.Result<Uint8Array, string> => {
  if (body.encoding !== "base64" || body.content === null || body.content === undefined) {
    return Result.fail("expected base64; Gitea leaves out what exceeds its limit for blobs")
  }
  const bytes = decodeCanonical(body.content.replaceAll(/[\r\n]/g, ""))
  if (bytes === undefined) return Result.fail("broken base64")
  return bytes.length === body.size
    ? Result.succeed(bytes)
    : Result.fail(`expected ${body.size} bytes as announced, got ${bytes.length}`)
}

/**
 * The resource over a connection.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (http: GiteaHttp): Contents => ({
  get: Effect.fnUntraced(function*(repository, options) {
    const limitBytes = options.limitBytes ?? defaultLimitBytes
    const call = callOf(repository, options, limitBytes)
    const failure = { method: call.method, path: `/${call.path.join("/")}` }
    const body = yield* http.json(call, ContentsBody)
    if (body.size > limitBytes) {
      return yield* new GiteaError({ ...failure, reason: { _tag: "ResponseTooLarge", limitBytes } })
    }
    const bytes = yield* Effect.mapError(
      Effect.fromResult(bytesOf(body)),
      (problem) => new GiteaError({ ...failure, reason: { _tag: "MalformedResponse", at: "content", problem } })
    )
    return { path: body.path, sha: body.sha, bytes }
  })
})
