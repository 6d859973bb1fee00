import { Actor, PlanDiff } from "@lamina/core"
import { Build, Expect } from "@lamina/core/testing"
import { assert, describe, it } from "vitest"
import { forbiddenPaths, nothingGetsWorse, promotion, rebootIsAnnounced } from "../Policies.ts"
import * as Repository from "../Repository.ts"

const proposed = Build.template(Repository.proposed)
const change = PlanDiff.between(Build.template(Repository.released).plan, proposed.plan)

describe("our modules", () => {
  it("fit together", () => Expect.sound(proposed))

  it("lie where we decided, bottom to top", () =>
    Expect.layers(proposed, ["system-base", "web-server", "shop-site", "banner"]))

  it("own what they should where more than one ships it", () =>
    Expect.owners(proposed, {
      "/etc/motd": "banner",
      "/etc/nginx/conf.d/default.conf": "shop-site",
      "/etc/nginx/nginx.conf": "web-server"
    }))

  it("ship nothing of what is a machine's or a person's own", () => Expect.nothingShipped(proposed, forbiddenPaths))
})

describe("the proposed change", () => {
  it("is what its author says", () =>
    Expect.changes(change, {
      layers: ["+ banner", "~ web-server: version, image"],
      paths: ["~ /etc/motd: system-base → banner"],
      services: ["~ web-server/nginx: startCommand"],
      capabilities: []
    }))

  it("brings no conflict", () => nothingGetsWorse(change))

  it("reboots no machine without the label", () => rebootIsAnnounced(change, (process.env["LABELS"] ?? "").split(",")))
})

describe("our policies refuse", () => {
  const withModule = (module: Build.BuiltModule) =>
    Build.template([...Repository.proposed.filter(({ moduleName }) => moduleName !== module.moduleName), module])

  it("a module that ships another's users", () => {
    const users = Build.module("users", { files: ["/etc/passwd"], requires: ["system-base"] })
    Expect.conflicts(withModule(users), [
      { _tag: "PathConflict", severity: "error", modules: ["users", "system-base"], path: "/etc/passwd" }
    ])
  })

  it("a second web server", () => {
    const apache = Build.module("apache", { provides: ["http.port:80"] })
    Expect.problems(withModule(apache), [{ _tag: "CapabilityClash", severity: "error" }])
  })

  it("a site that reaches out of its parent's window", () => {
    const site = Build.module("blog-site", {
      variety: "config",
      parentModule: "web-server",
      priority: 200,
      files: ["/etc/nginx/nginx.conf"]
    })
    const conflict = {
      _tag: "PathConflict",
      modules: ["blog-site", "web-server"],
      path: "/etc/nginx/nginx.conf"
    } as const
    Expect.conflicts(withModule(site), [{ ...conflict, severity: "error" }, { ...conflict, severity: "warning" }])
  })

  it("a base from before what the web server needs", () => {
    const old = Build.module("system-base", { versionString: "1.1.0", category: "system-base" })
    Expect.problems(withModule(old), [{ _tag: "RangeUnmet", chain: ["web-server", "acme/system-base@^1.2"] }])
  })

  it("a new base without the label, and take it with it", () => {
    const base = Build.module("system-base", {
      versionString: "1.5.0",
      category: "system-base",
      rebootRequired: true,
      provides: ["base.os"]
    })
    const diff = PlanDiff.between(proposed.plan, withModule(base).plan)
    assert.throws(() => rebootIsAnnounced(diff, ["documentation"]), "other things change")
    rebootIsAnnounced(diff, ["reboot"])
  })

  it("an automation that promotes the base, and ask two people before anything goes live", () => {
    const ada = Actor.person("ada")
    const toLive = { action: "module_promote_to_live", moduleName: "web-server", actor: ada } as const
    Expect.decision(promotion, toLive, "require_approval")
    Expect.decision(promotion, { ...toLive, action: "module_promote_to_staging" }, "auto_approve")
    Expect.decision(promotion, { ...toLive, moduleName: "system-base", actor: Actor.automation("bot") }, "block")
  })
})
