import { Buffer } from "node:buffer"
import * as ServerVersion from "../../ServerVersion.ts"
import { hookRoutes } from "./hookRoutes.ts"
import * as Payload from "./payloads.ts"
import { type Handler, page, problem, type Route, route, withRepository } from "./router.ts"
import { runRoutes } from "./runRoutes.ts"
import { blobId, findRepository, fullName, resolve } from "./state.ts"

const version: Handler = ({ state }) => Response.json({ version: state.version.text })

const getRepository = withRepository(({ state }, repository) => Response.json(Payload.repository(state, repository)))

const getContents = withRepository((request, repository) => {
  const commit = resolve(repository, request.query.get("ref") ?? repository.defaultBranch)
  const bytes = commit?.files.get(request.path)
  if (commit !== undefined && bytes === undefined) {
    const inside = [...commit.files.keys()].filter((path) => path.startsWith(`${request.path}/`))
    if (inside.length > 0) return Response.json(inside.map((path) => ({ type: "file", path, content: null })))
  }
  if (commit === undefined || bytes === undefined) {
    return problem(request.state, 404, "object does not exist [id: , rel_path: ]")
  }
  return Response.json({
    name: request.path.split("/").at(-1),
    path: request.path,
    sha: blobId(bytes),
    last_commit_sha: commit.sha,
    type: "file",
    size: bytes.length,
    encoding: "base64",
    content: Buffer.from(bytes).toString("base64")
  })
})

const listTags = withRepository((request, repository) => {
  const { headers, items } = page(request, [...repository.tags])
  const tags = items.map(([name, sha]) => ({
    name,
    message: "",
    id: sha,
    commit: { url: `${request.state.url}/${fullName(repository)}/commit/${sha}`, sha, created: "" }
  }))
  return Response.json(tags, { headers })
})

const secretNamePattern = /^[A-Z_][A-Z0-9_]*$/

const putSecret = withRepository(({ body, parameters, state }, repository) => {
  const name = (parameters["secret"] ?? "").toUpperCase()
  if (!secretNamePattern.test(name) || /^(?:GITEA_|GITHUB_|CI$)/.test(name)) {
    return problem(state, 400, "invalid variable or secret name")
  }
  const data = typeof body === "object" && body !== null && "data" in body ? body.data : undefined
  if (typeof data !== "string" || data === "") return problem(state, 422, "[Data]: Required")
  const isNew = !repository.secrets.has(name)
  repository.secrets.set(name, data)
  return new Response(null, { status: isNew ? 201 : 204 })
})

const deleteSecret = withRepository(({ parameters, state }, repository) =>
  repository.secrets.delete((parameters["secret"] ?? "").toUpperCase())
    ? new Response(null, { status: 204 })
    : problem(state, 404, "secret not found")
)

const listPackages: Handler = (request) => {
  const { query, state } = request
  const type = query.get("type")
  const text = query.get("q")
  const found = state.packages.filter((item) =>
    item.owner === request.parameters["owner"] &&
    (type === null || item.type === type) &&
    (text === null || item.name.includes(text))
  )
  const { headers, items } = page(request, found)
  return Response.json(items.map((item) => Payload.packageBody(state, item)), { headers })
}

const linkPackage: Handler = ({ parameters, state }) => {
  const { name, owner, repository, type } = parameters
  const target = findRepository(state, owner ?? "", repository ?? "")
  const versions = state.packages.filter((item) => item.owner === owner && item.type === type && item.name === name)
  if (!ServerVersion.supports(state.version, "linking packages") || target === undefined || versions.length === 0) {
    return problem(state, 404, "The target couldn't be found.")
  }
  for (const item of versions) item.repository = fullName(target)
  return new Response(null, { status: 201 })
}

/** Everything that the fake answers. */
export const routes: ReadonlyArray<Route> = [
  route("GET", "/version", version),
  route("GET", "/repos/:owner/:name", getRepository),
  route("GET", "/repos/:owner/:name/contents/*", getContents),
  route("GET", "/repos/:owner/:name/tags", listTags),
  route("PUT", "/repos/:owner/:name/actions/secrets/:secret", putSecret),
  route("DELETE", "/repos/:owner/:name/actions/secrets/:secret", deleteSecret),
  route("GET", "/packages/:owner", listPackages),
  route("POST", "/packages/:owner/:type/:name/-/link/:repository", linkPackage),
  ...hookRoutes,
  ...runRoutes
]
