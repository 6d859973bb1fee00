/** How the registries of this package fail: short ways to a `RegistryError`, and the checks of names they all make. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Digest from "../Digest.ts"
import * as Reference from "../Reference.ts"
import { Malformed, NotFound, RegistryError } from "../RegistryError.ts"
import type { Reason } from "../RegistryError.ts"

/** An error of one operation; `reason` may be built later, by the code that knows what happened. */
export interface Failing {
  (reason: Reason): RegistryError
}

/** The errors of an operation on something in a repository. */
export const failing = (operation: string, repository: string, item?: string): Failing => {
  const separator = item === undefined ? "" : Digest.is(item) ? "@" : ":"
  const subject = `${repository}${separator}${item ?? ""}`.slice(0, 400)
  return (reason) => new RegistryError({ operation, subject, reason })
}

/** Turns a pure check's result into an effect of an operation. */
export const orFail = <A>(result: Result.Result<A, Reason>, fail: Failing): Effect.Effect<A, RegistryError> =>
  Effect.fromResult(Result.mapError(result, fail))

/** A repository name goes into URLs and paths, so it is checked before anything else. */
export const checkRepository = (repository: string): Result.Result<string, Reason> =>
  Reference.isRepository(repository)
    ? Result.succeed(repository)
    : Result.fail(new Malformed({ what: "repository name", detail: JSON.stringify(repository.slice(0, 160)) }))

/** The same for digests, which the type alone does not prove to a JavaScript caller. */
export const checkDigest = (digest: string): Result.Result<Digest.Digest, Reason> =>
  Digest.is(digest)
    ? Result.succeed(digest)
    : Result.fail(new Malformed({ what: "digest", detail: JSON.stringify(digest.slice(0, 160)) }))

/** A tag. */
export const checkTag = (tag: string): Result.Result<string, Reason> =>
  Reference.isTag(tag)
    ? Result.succeed(tag)
    : Result.fail(new Malformed({ what: "tag", detail: JSON.stringify(tag.slice(0, 160)) }))

/** A tag or digest. */
export const checkReference = (reference: string): Result.Result<string, Reason> =>
  reference.includes(":") ? checkDigest(reference) : checkTag(reference)

/** The repository, and what is asked for in it, in one step. */
export const checkNames = (
  fail: Failing,
  repository: string,
  ...items: ReadonlyArray<Result.Result<unknown, Reason>>
): Effect.Effect<void, RegistryError> => {
  const bad = [checkRepository(repository), ...items].find(Result.isFailure)
  return bad === undefined ? Effect.void : Effect.fail(fail(bad.failure))
}

/** The reason why a tag or digest leads nowhere. */
export const unknownReference = (reference: string): Reason =>
  new NotFound({ kind: Digest.is(reference) ? "manifest" : "tag", name: reference })
