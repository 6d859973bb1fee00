/** Output of many lines. */
import * as Effect from "effect/Effect"
import type { Io } from "./io.ts"

const chunkLength = 1 << 16

/** Prints texts in chunks, waiting for the reader after each. */
export const printAll = Effect.fnUntraced(function*(io: Io, texts: Iterable<string>) {
  let chunk = ""
  for (const text of texts) {
    chunk += text
    if (chunk.length < chunkLength) continue
    yield* io.print(chunk)
    chunk = ""
  }
  if (chunk !== "") yield* io.print(chunk)
})
