/**
 * Faults that a fake server has on its next requests.
 *
 * @since 0.1.0
 */

/**
 * What goes wrong. `Cut` breaks the answer off behind some bytes, `Corrupt` flips one bit of it, `Hang` never answers.
 *
 * @category models
 * @since 0.1.0
 */
export type Fault =
  | { readonly _tag: "Status"; readonly status: number; readonly message?: string }
  | { readonly _tag: "Delay"; readonly millis: number }
  | { readonly _tag: "Cut"; readonly afterBytes: number }
  | { readonly _tag: "Corrupt" }
  | { readonly _tag: "Redirect"; readonly location: string }
  | { readonly _tag: "Hang" }

/**
 * A fault and the requests that it befalls: the next `times` (1) with this method and with a path that begins so.
 *
 * @category models
 * @since 0.1.0
 */
export interface FaultRule {
  readonly fault: Fault
  readonly method?: string
  readonly path?: string
  readonly times?: number
}

/**
 * The rules that are left. The first that fits a request is used up by it.
 *
 * @category models
 * @since 0.1.0
 */
export interface FaultScript {
  readonly add: (rule: FaultRule) => void
  readonly clear: () => void
  readonly take: (request: Request) => Fault | undefined
}

/**
 * Makes an empty script.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (): FaultScript => {
  const rules: Array<{ readonly rule: FaultRule; left: number }> = []
  return {
    add: (rule) => void rules.push({ rule, left: rule.times ?? 1 }),
    clear: () => void rules.splice(0),
    take: (request) => {
      const found = rules.find(({ left, rule }) => left > 0 && fits(rule, request))
      if (found !== undefined) found.left--
      return found?.rule.fault
    }
  }
}

const fits = (rule: FaultRule, request: Request): boolean =>
  (rule.method === undefined || rule.method === request.method) &&
  (rule.path === undefined || new URL(request.url).pathname.startsWith(rule.path))

/**
 * Puts a fault in the way of an answer.
 *
 * @category combinators
 * @since 0.1.0
 */
export const inflict = async (
  fault: Fault | undefined,
  request: Request,
  answer: () => Promise<Response>
): Promise<Response> => {
  switch (fault?._tag) {
    case undefined:
      return answer()
    case "Status":
      return Response.json({ message: fault.message ?? "a scripted fault" }, { status: fault.status })
    case "Redirect":
      return new Response(null, { status: 307, headers: { location: fault.location } })
    case "Hang":
      return new Promise((_, reject) => {
        request.signal.addEventListener("abort", () => reject(request.signal.reason))
      })
    case "Delay":
      await new Promise((resolve) => setTimeout(resolve, fault.millis))
      return answer()
    case "Cut":
      return withBody(await answer(), (bytes) => breakingOff(bytes.slice(0, fault.afterBytes)))
    case "Corrupt":
      return withBody(await answer(), (bytes) => {
        bytes[0] = (bytes[0] ?? 0) ^ 1
        return bytes
      })
  }
}

const withBody = async (
  response: Response,
  change: (bytes: Uint8Array<ArrayBuffer>) => BodyInit
): Promise<Response> => {
  const bytes = new Uint8Array(await response.arrayBuffer())
  return new Response(change(bytes), { status: response.status, headers: response.headers })
}

const breakingOff = (bytes: Uint8Array): ReadableStream<Uint8Array> => {
  let isSent = false
  return new ReadableStream({
    pull: (controller) => {
      if (isSent || bytes.length === 0) return controller.error(new Error("the connection was cut"))
      isSent = true
      controller.enqueue(bytes)
    }
  })
}
