import * as FsVerity from "@lamina/composefs/FsVerity"
import * as Effect from "effect/Effect"
import { command } from "../command.ts"
import { exitCodes, Misuse } from "../failure.ts"
import { printable } from "../names.ts"

export const verify = command({
  usage: "verify FILE DIGEST",
  about:
    `Confirms that FILE has the fs-verity digest DIGEST: 64 or 128 hex digits, with or without "sha256:" or "sha512:" before
them. Ends with 1 if it has another.`,
  options: {},
  operands: { least: 2, most: 2 },
  run: Effect.fnUntraced(function*(_, [path = "", text = ""], io) {
    const expected = yield* Effect.mapError(
      Effect.fromResult(FsVerity.parse(text)),
      ({ message }) => new Misuse({ problem: message })
    )
    const using = expected.algorithm === "sha256" ? FsVerity.sha256 : FsVerity.sha512
    const actual = path === "-"
      ? FsVerity.digest(yield* io.input, using)
      : yield* FsVerity.digestFile(path, using)
    const name = printable(path)
    if (actual === expected.hex) {
      yield* io.print(`${name}: confirmed\n`)
      return exitCodes.ok
    }
    io.tell(`${name}: expected ${FsVerity.format(expected.hex)}, got ${FsVerity.format(actual)}\n`)
    return exitCodes.different
  })
})
