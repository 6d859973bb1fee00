/**
 * Noting and listing what was not taken in.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Module from "../catalog/Module.ts"
import * as Command from "../events/Command.ts"
import type { CommandError } from "../events/CommandError.ts"
import * as Id from "../events/Id.ts"
import * as RowCodec from "../storage/RowCodec.ts"
import { type ListOptions, Storage } from "../storage/Storage.ts"
import type { StorageError } from "../storage/StorageError.ts"
import type { IngestError } from "./IngestError.ts"
import * as IngestRejection from "./IngestRejection.ts"

/**
 * Notes a digest whose content is wrong: once as an event, from then on by counting. A failure that says nothing of the
 * content, such as a registry that does not answer, leaves nothing behind.
 *
 * @category commands
 * @since 0.1.0
 */
export const note = Effect.fnUntraced(function*(
  options: Command.Options,
  module: Module.Module,
  indexDigest: string,
  tag: string | undefined,
  error: IngestError
): Effect.fn.Return<void, CommandError | StorageError, Storage> {
  if (!isAboutContent(error)) return
  const { accountId, actor, correlationId } = options
  yield* Command.run(
    {
      name: "module.reject_ingest",
      options: { accountId, actor, correlationId },
      request: { indexDigest },
      result: Schema.Void
    },
    Effect.fnUntraced(function*(change) {
      const { transaction } = change
      const earlier = yield* transaction.find(IngestRejection.collection, accountId, "byDigest", [
        module.id,
        indexDigest
      ])
      const reason = {
        reason: error.reason._tag,
        detail: RowCodec.storableErrorText(error.message),
        lastAt: change.now
      }
      if (Option.isSome(earlier)) {
        const times = earlier.value.times + 1
        yield* transaction.update(IngestRejection.collection, { ...earlier.value, ...reason, times })
        return
      }
      const rejection = yield* transaction.insert(IngestRejection.collection, {
        ...reason,
        id: yield* Id.next,
        accountId,
        rev: 1,
        moduleId: module.id,
        indexDigest,
        tag,
        times: 1,
        firstAt: change.now
      })
      yield* change.record({
        type: error.reason._tag === "VersionConflict" ? "module_version.conflict" : "module_version.rejected",
        aggregateKind: "module",
        aggregate: module,
        detail: Command.toJson({ ...rejection, module: module.name })
      })
    })
  )
})

const isAboutContent = ({ reason }: IngestError): boolean => {
  switch (reason._tag) {
    case "VersionConflict":
    case "OtherContent":
    case "DigestMismatch":
    case "NotRebuilt":
    case "WrongArchitectures":
      return true
    case "SourceFailed":
      return ["malformed", "digestMismatch", "limitExceeded"].includes(reason.error.kind)
    case "NoRepository":
    case "VerifierFailed":
      return false
  }
}

/**
 * Forgets the rejection of a digest, within the change that takes it in after all.
 *
 * @category changes
 * @since 0.1.0
 */
export const forget = Effect.fnUntraced(function*(
  { accountId, transaction }: Command.Change,
  moduleId: string,
  indexDigest: string
): Effect.fn.Return<void, StorageError> {
  const rejection = yield* transaction.find(IngestRejection.collection, accountId, "byDigest", [moduleId, indexDigest])
  if (Option.isSome(rejection)) yield* transaction.remove(IngestRejection.collection, rejection.value)
})

/**
 * A page of a module's rejections.
 *
 * @category queries
 * @since 0.1.0
 */
export const list = Effect.fn("IngestRejections.list")(function*(
  input: { readonly accountId: string; readonly moduleId: string } & ListOptions
): Effect.fn.Return<ReadonlyArray<IngestRejection.IngestRejection>, StorageError, Storage> {
  const storage = yield* Storage
  return yield* storage.transaction((transaction) =>
    transaction.list(IngestRejection.collection, input.accountId, "byModule", [input.moduleId], input)
  )
})
