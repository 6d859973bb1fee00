/** Options that make another fs-verity digest of the same bytes. */
import * as FsVerity from "@lamina/composefs/FsVerity"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { Misuse } from "./failure.ts"
import { choice, text } from "./options.ts"

export const algorithmOption = choice(["sha256", "sha512"], "The hash (default sha256)")
export const saltOption = text("HEX", "A salt of at most 32 bytes (default none; composefs has none)")
export const parametersOf = Effect.fnUntraced(function*(
  algorithm: FsVerity.Algorithm | undefined,
  salt: string | undefined
) {
  if (salt !== undefined && !/^(?:[0-9a-fA-F]{2})*$/.test(salt)) {
    return yield* new Misuse({ problem: `--salt: expected pairs of hex digits, got ${JSON.stringify(salt)}` })
  }
  return yield* Effect.mapError(
    Effect.fromResult(FsVerity.parameters({ algorithm, salt: Buffer.from(salt ?? "", "hex") })),
    ({ message }) => new Misuse({ problem: `--${message}` })
  )
})

/** A digest that a person wrote; some put it where the other operand belongs. */
export const digestOf = (text: string, { other, usage }: { readonly other: string; readonly usage: string }) =>
  Effect.mapError(
    Effect.fromResult(FsVerity.parse(text)),
    ({ message }) =>
      new Misuse({ problem: Result.isSuccess(FsVerity.parse(other)) ? `the order is ${usage}` : message })
  )
