import * as Result from "effect/Result"

export interface JsonLimits {
  readonly maxBytes: number
  readonly maxDepth: number
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

/** Reads a JSON document of bounded size and nesting from strict UTF-8; the failure is the problem in words. */
export const parseJson = (bytes: Uint8Array, limits: JsonLimits): Result.Result<unknown, string> => {
  if (bytes.byteLength > limits.maxBytes) {
    return Result.fail(`expected at most ${limits.maxBytes} bytes, got ${bytes.byteLength}`)
  }
  if (isDeeperThan(bytes, limits.maxDepth)) return Result.fail(`expected at most ${limits.maxDepth} levels of nesting`)
  // The parser's own message quotes the document, so it is not passed on.
  return Result.try({
    try: () => JSON.parse(decoder.decode(bytes)) as unknown,
    catch: () => "expected a JSON document"
  })
}

const quote = 0x22
const backslash = 0x5c
const openers = new Set([0x5b, 0x7b])
const closers = new Set([0x5d, 0x7d])

const isDeeperThan = (bytes: Uint8Array, maxDepth: number): boolean => {
  let depth = 0
  let inString = false
  for (let index = 0; index < bytes.length; index++) {
    const byte = bytes[index] ?? 0
    if (inString) {
      if (byte === backslash) index++
      else if (byte === quote) inString = false
    } else if (byte === quote) inString = true
    else if (openers.has(byte) && ++depth > maxDepth) return true
    else if (closers.has(byte)) depth--
  }
  return false
}
