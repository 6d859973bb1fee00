import { assert, describe, it } from "@effect/vitest"
import { Router } from "@lamina/platform"
import * as fc from "fast-check"

const route = (method: Router.Route["method"], path: string): Router.Route => ({
  method,
  path,
  handle: () => Promise.resolve(new Response(null))
})

const routes = [
  route("GET", "/modules"),
  route("POST", "/modules"),
  route("GET", "/modules/:id"),
  route("GET", "/modules/special"),
  route("GET", "/modules/:id/versions/:version")
]

const found = (method: string, path: string): object => {
  const match = Router.match(routes, method, path)
  return match.kind === "found" ? { path: match.route.path, ...match.parameters } : match
}

describe("a route", () => {
  it("is found by method and path, with what its path names", () => {
    assert.deepStrictEqual(found("POST", "/modules"), { path: "/modules" })
    assert.deepStrictEqual(found("GET", "/modules/redis"), { path: "/modules/:id", id: "redis" })
    assert.deepStrictEqual(found("GET", "/modules/redis/versions/1"), {
      path: "/modules/:id/versions/:version",
      id: "redis",
      version: "1"
    })
  })

  it("that comes first wins", () => {
    assert.deepStrictEqual(found("GET", "/modules/special"), { path: "/modules/:id", id: "special" })
  })

  it("gets any parameter as it was before it was encoded", () => {
    fc.assert(fc.property(fc.string({ unit: "grapheme", minLength: 1 }), (id) => {
      assert.deepStrictEqual(found("GET", `/modules/${encodeURIComponent(id)}`), { path: "/modules/:id", id })
    }))
  })

  it("takes an encoded slash for part of a parameter, not of the path", () => {
    assert.deepStrictEqual(found("GET", "/modules/a%2Fversions%2Fb"), { path: "/modules/:id", id: "a/versions/b" })
  })

  it("is not found for another path, an empty parameter, or a broken encoding", () => {
    for (
      const path of ["/", "/module", "/modules/", "/modules/a/versions/", "//modules", "/modules/%", "/modules/%ff"]
    ) {
      assert.deepStrictEqual(found("GET", path), { kind: "notFound" }, path)
    }
  })

  it("of another method is named by the methods that there are", () => {
    assert.deepStrictEqual(found("DELETE", "/modules"), { kind: "methodNotAllowed", allow: ["GET", "POST"] })
    assert.deepStrictEqual(found("get", "/modules"), { kind: "methodNotAllowed", allow: ["GET", "POST"] })
  })
})
