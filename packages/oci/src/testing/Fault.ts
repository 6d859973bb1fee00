/**
 * Faults of a registry, as a script: which request, and what goes wrong with it.
 *
 * @since 0.1.0
 */

/**
 * What goes wrong.
 *
 * `Answer` answers without asking the registry. `Headers` changes the head of the answer. `Cut` breaks the connection
 * after so many bytes of the answer, `Corrupt` flips a bit of one byte, `Append` adds bytes at the end, `Drip` sends a
 * few bytes at a time. `CutRequest` breaks the connection after so many bytes of what the client sends. `Delay` waits
 * before it asks the registry. Times are milliseconds.
 *
 * @category models
 * @since 0.1.0
 */
export type Mishap =
  | {
    readonly _tag: "Answer"
    readonly status: number
    readonly headers?: Readonly<Record<string, string>> | undefined
    readonly body?: string | undefined
  }
  | {
    readonly _tag: "Headers"
    readonly set?: Readonly<Record<string, string>> | undefined
    readonly remove?: ReadonlyArray<string> | undefined
  }
  | { readonly _tag: "Cut"; readonly atByte: number }
  | { readonly _tag: "Corrupt"; readonly atByte: number }
  | { readonly _tag: "Append"; readonly bytes: string }
  | { readonly _tag: "Drip"; readonly bytes: number; readonly millis: number }
  | { readonly _tag: "CutRequest"; readonly atByte: number }
  | { readonly _tag: "Delay"; readonly millis: number }

/**
 * A fault: the requests that it meets, and what happens to them.
 *
 * @category models
 * @since 0.1.0
 */
export interface Fault {
  readonly method?: string | undefined
  /** Has to match the path with its query. */
  readonly path?: RegExp | undefined
  /** How many requests that match are let through before; default none. */
  readonly after?: number | undefined
  /** How many are met; default all. */
  readonly times?: number | undefined
  readonly mishap: Mishap
}

/**
 * A handler as the web platform has it.
 *
 * @category models
 * @since 0.1.0
 */
export type Handler = (request: Request) => Promise<Response>

/**
 * Puts faults in front of a handler. Several faults may meet one request; the first one is the outermost.
 *
 * @category combinators
 * @since 0.1.0
 */
export const inject = (handler: Handler, faults: ReadonlyArray<Fault>): Handler =>
  faults.reduceRight<Handler>((next, fault) => withFault(next, fault), handler)

const withFault = (next: Handler, fault: Fault): Handler => {
  let seen = 0
  return (request) => {
    const url = new URL(request.url)
    const matches = (fault.method === undefined || fault.method === request.method) &&
      (fault.path === undefined || fault.path.test(`${url.pathname}${url.search}`))
    if (!matches) return next(request)
    const index = seen++ - (fault.after ?? 0)
    return index < 0 || index >= (fault.times ?? Infinity) ? next(request) : suffer(next, fault.mishap, request)
  }
}

const suffer = async (next: Handler, mishap: Mishap, request: Request): Promise<Response> => {
  switch (mishap._tag) {
    case "Answer":
      return new Response(mishap.body ?? null, { status: mishap.status, headers: { ...mishap.headers } })
    case "Delay":
      await sleep(mishap.millis)
      return next(request)
    case "CutRequest": {
      const init: RequestInit & { readonly duplex: "half" } = {
        body: request.body?.pipeThrough(cutAt(mishap.atByte)) ?? null,
        duplex: "half"
      }
      await next(new Request(request, init))
      throw new Error("the fault script cuts the connection")
    }
    case "Headers": {
      const response = await next(request)
      const headers = new Headers(response.headers)
      for (const name of mishap.remove ?? []) headers.delete(name)
      for (const [name, value] of Object.entries(mishap.set ?? {})) headers.set(name, value)
      return new Response(response.body, { status: response.status, headers })
    }
    case "Cut":
    case "Corrupt":
    case "Append":
    case "Drip": {
      const response = await next(request)
      const body = response.body?.pipeThrough(damage(mishap)) ?? null
      return new Response(body, { status: response.status, headers: response.headers })
    }
  }
}

type Damage = Extract<Mishap, { readonly _tag: "Cut" | "Corrupt" | "Append" | "Drip" }>

const damage = (mishap: Damage): TransformStream<Uint8Array, Uint8Array> => {
  switch (mishap._tag) {
    case "Cut":
      return cutAt(mishap.atByte)
    case "Corrupt":
      return corruptAt(mishap.atByte)
    case "Append":
      return new TransformStream({
        flush: (controller) => controller.enqueue(new TextEncoder().encode(mishap.bytes))
      })
    case "Drip":
      return new TransformStream({
        transform: async (chunk, controller) => {
          for (let start = 0; start < chunk.byteLength; start += mishap.bytes) {
            controller.enqueue(chunk.subarray(start, start + mishap.bytes))
            await sleep(mishap.millis)
          }
        }
      })
  }
}

const cutAt = (atByte: number): TransformStream<Uint8Array, Uint8Array> => {
  let seen = 0
  return new TransformStream({
    transform: async (chunk, controller) => {
      const rest = chunk.subarray(0, Math.max(0, atByte - seen))
      seen += chunk.byteLength
      if (rest.byteLength > 0) controller.enqueue(rest)
      if (seen < atByte) return
      // An error drops what is still on its way, so the bytes before the cut get a moment to leave.
      await sleep(20)
      controller.error(new Error("the fault script cuts the connection"))
    }
  })
}

const corruptAt = (atByte: number): TransformStream<Uint8Array, Uint8Array> => {
  let seen = 0
  return new TransformStream({
    transform: (chunk, controller) => {
      const copy = chunk.slice()
      const index = atByte - seen
      const byte = copy[index]
      if (byte !== undefined) copy[index] = byte ^ 1
      seen += copy.byteLength
      controller.enqueue(copy)
    }
  })
}

const sleep = (millis: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, millis))
