import { createHmac, randomUUID } from "node:crypto"
import type { Delivery } from "../../testing/FakeGitea.ts"
import type { HookState, RepositoryState, State } from "./state.ts"

/** What happened; `giteaSince` is the minor version of Gitea from which on it is told, where not all servers do. */
export interface FakeEvent {
  readonly type: "push" | "create" | "delete" | "release" | "package" | "workflow_run"
  readonly payload: unknown
  readonly giteaSince?: number
}

/** The hooks of a repository and of the organization that owns it, as far as they listen to an event. */
const listeners = (
  state: State,
  owner: string,
  repository: RepositoryState | undefined,
  event: FakeEvent
): ReadonlyArray<readonly [target: "repository" | "organization", hook: HookState]> => {
  if (!isSent(state, event)) return []
  const ofRepository = (repository?.hooks ?? []).map((hook) => ["repository", hook] as const)
  const ofOrganization = state.organizationHooks
    .filter(({ organization }) => organization === owner)
    .map(({ hook }) => ["organization", hook] as const)
  return [...ofRepository, ...ofOrganization].filter(([, hook]) => hook.active && hook.events.includes(event.type))
}

const isSent = ({ version }: State, { giteaSince }: FakeEvent): boolean =>
  giteaSince === undefined || (version.product === "gitea" && isAtLeast(version, giteaSince))

const isAtLeast = (version: State["version"], minor: number): boolean =>
  version.major > 1 || (version.major === 1 && version.minor >= minor)

/** The request with which a server tells a hook, as services/webhook/deliver.go makes it. */
const deliveryRequest = (
  state: State,
  target: "repository" | "organization",
  hook: HookState,
  event: FakeEvent
): Omit<Delivery, "status"> => {
  const payload = formatPayload(state, event.payload)
  const isForm = hook.contentType === "form"
  const uuid = randomUUID()
  return {
    uuid,
    hookId: hook.id,
    event: event.type,
    url: hook.url,
    payload,
    headers: {
      "content-type": isForm ? "application/x-www-form-urlencoded" : "application/json",
      ...eventHeaders(state, target, event.type, uuid),
      ...signatureHeaders(state, hook.secret, payload),
      ...(hook.authorizationHeader === "" ? {} : { authorization: hook.authorizationHeader })
    },
    body: isForm ? new URLSearchParams({ payload }).toString() : payload
  }
}

// Go's MarshalIndent. Until 1.26 its encoder escapes what HTML would take for markup; the one after that does not.
const formatPayload = ({ version }: State, payload: unknown): string => {
  const json = JSON.stringify(payload, null, 2)
  if (version.product === "gitea" && isAtLeast(version, 26)) return json
  return json.replaceAll(/[<>&\u2028\u2029]/g, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`)
}

const eventHeaders = (state: State, target: string, type: FakeEvent["type"], uuid: string): Record<string, string> => {
  const { product } = state.version
  const isNamed = type !== "package" || (product === "gitea" && isAtLeast(state.version, 24))
  const prefixes = ["x-gitea", "x-gogs", "x-github", ...(product === "forgejo" ? ["x-forgejo"] : [])]
  const headers: Record<string, string> = {}
  for (const prefix of prefixes) {
    headers[`${prefix}-delivery`] = uuid
    headers[`${prefix}-event`] = isNamed ? type : ""
    headers[`${prefix}-event-type`] = type
  }
  if (product === "gitea" && isAtLeast(state.version, 24)) {
    headers["x-gitea-hook-installation-target-type"] = target
    headers["x-github-hook-installation-target-type"] = target
  }
  return headers
}

// Without a secret the headers are there all the same, and hollow.
const signatureHeaders = (state: State, secret: string, payload: string): Record<string, string> => {
  const digest = (algorithm: "sha1" | "sha256") =>
    secret === "" ? "" : createHmac(algorithm, secret).update(payload).digest("hex")
  const sha256 = digest("sha256")
  return {
    "x-gitea-signature": sha256,
    "x-gogs-signature": sha256,
    ...(state.version.product === "forgejo" ? { "x-forgejo-signature": sha256 } : {}),
    "x-hub-signature": `sha1=${digest("sha1")}`,
    "x-hub-signature-256": `sha256=${sha256}`
  }
}

const timeoutMillis = 5000

/** Sends once. Gitea takes any 2xx for delivered, and never tries again. */
const deliver = async (send: Send, delivery: Omit<Delivery, "status">): Promise<Delivery> => {
  const request = new Request(delivery.url, {
    method: "POST",
    headers: delivery.headers,
    body: delivery.body,
    signal: AbortSignal.timeout(timeoutMillis)
  })
  const status = await send(request).then(
    async (response) => {
      await response.arrayBuffer()
      return response.status
    },
    () => undefined
  )
  return { ...delivery, status }
}

type Send = (request: Request) => Promise<Response>

/** Tells the hooks what happened, and remembers it. */
export interface Courier {
  readonly state: State
  readonly deliveries: ReadonlyArray<Delivery>
  readonly tell: (
    owner: string,
    repository: RepositoryState | undefined,
    ...events: ReadonlyArray<FakeEvent>
  ) => Promise<ReadonlyArray<Delivery>>
  readonly redeliver: (delivery: Delivery) => Promise<Delivery>
}

export const makeCourier = (state: State, send: Send): Courier => {
  const deliveries: Array<Delivery> = []
  return {
    state,
    deliveries,
    tell: async (owner, repository, ...events) => {
      const prepared = events.flatMap((event) =>
        listeners(state, owner, repository, event).map(([target, hook]) => deliveryRequest(state, target, hook, event))
      )
      const sent = await Promise.all(prepared.map((delivery) => deliver(send, delivery)))
      deliveries.push(...sent)
      return sent
    },
    redeliver: async (delivery) => {
      const uuid = randomUUID()
      const headers = Object.fromEntries(
        Object.entries(delivery.headers).map(([name, value]) => [name, name.endsWith("-delivery") ? uuid : value])
      )
      const sent = await deliver(send, { ...delivery, uuid, headers })
      deliveries.push(sent)
      return sent
    }
  }
}
