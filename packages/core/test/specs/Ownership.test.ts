import { assert, describe, it } from "@effect/vitest"
import { FileSpec, Glob, ModuleSpecs, Ownership } from "@lamina/core/specs/index"
import * as Result from "effect/Result"
import * as fc from "fast-check"
import { path, pattern } from "./Patterns.ts"

const layer = (
  moduleName: string,
  specs: Partial<ModuleSpecs.ModuleSpecs>,
  files: ReadonlyArray<string>,
  parentModule?: string
): Ownership.OwnershipLayer => ({
  moduleName,
  specs: ModuleSpecs.make(specs),
  files,
  ...(parentModule === undefined ? {} : { parentModule })
})

const report = (...layers: ReadonlyArray<Ownership.OwnershipLayer>): Ownership.OwnershipReport =>
  Result.getOrThrow(Ownership.report(layers))

const owners = (of: Ownership.OwnershipReport) => Object.fromEntries(of.paths.map(({ owner, path }) => [path, owner]))
const messages = (of: Ownership.OwnershipReport) => of.conflicts.map(({ message }) => message)

describe("Ownership.report", () => {
  it("gives a path to the more specific claim of two that protect it", () => {
    const result = report(
      layer("system-base", { fileSpec: ["/etc/**"], protectedSpec: ["/etc/security/**"] }, [
        "/etc/security/access.conf"
      ]),
      layer("hardening", {
        fileSpec: ["/etc/security/limits.d/**"],
        protectedSpec: ["/etc/security/limits.d/99-baseline.conf"]
      }, ["/etc/security/limits.d/99-baseline.conf", "/etc/security/limits.d/10-other.conf"])
    )
    assert.deepStrictEqual(owners(result), {
      "/etc/security/access.conf": "system-base",
      "/etc/security/limits.d/10-other.conf": "system-base",
      "/etc/security/limits.d/99-baseline.conf": "hardening"
    })
    assert.deepStrictEqual(messages(result), [
      "hardening ships /etc/security/limits.d/10-other.conf, which system-base protects"
    ])
  })

  it("gives a path that two claim equally to the lower layer, and calls the other a conflict", () => {
    const result = report(
      layer("apache", { fileSpec: ["/var/www/**"] }, ["/var/www/index.html"]),
      layer("nginx", { fileSpec: ["/var/www/**"] }, ["/var/www/index.html", "/var/www/50x.html"])
    )
    assert.deepStrictEqual(owners(result), { "/var/www/50x.html": "nginx", "/var/www/index.html": "apache" })
    assert.deepStrictEqual(result.conflicts.map(({ moduleName, reason }) => [moduleName, reason]), [
      ["nginx", "equal_claim"]
    ])
    assert.deepStrictEqual(messages(result), [
      "nginx and apache claim /var/www/index.html equally, and the lower layer apache owns it"
    ])
  })

  it("does not let a literal fileSpec take what another module protects by a pattern", () => {
    const result = report(
      layer("system-base", { fileSpec: ["/etc/**"], protectedSpec: ["/etc/sudoers.d/**"] }, []),
      layer("evil", { fileSpec: ["/etc/sudoers.d/evil"] }, ["/etc/sudoers.d/evil"])
    )
    assert.deepStrictEqual(messages(result), ["evil ships /etc/sudoers.d/evil, which system-base protects"])
  })

  it("enforces a claim against the layers below too", () => {
    const result = report(
      layer("base", { fileSpec: ["/etc/**"] }, ["/etc/motd"]),
      layer("branding", { fileSpec: ["/etc/motd"], protectedSpec: ["/etc/motd"] }, ["/etc/motd"])
    )
    assert.deepStrictEqual(messages(result), ["base ships /etc/motd, which branding protects"])
  })

  it("lets a more specific layer above hide a file without a conflict", () => {
    const result = report(
      layer("base", { fileSpec: ["/etc/**"] }, ["/etc/motd"]),
      layer("branding", { fileSpec: ["/etc/motd"] }, ["/etc/motd"])
    )
    assert.deepStrictEqual(result.conflicts, [])
    assert.deepStrictEqual(result.paths[0], {
      path: "/etc/motd",
      owner: "branding",
      claim: { moduleName: "branding", list: "fileSpec", pattern: "/etc/motd" },
      shippedBy: ["base", "branding"],
      shadowedBy: []
    })
  })

  it("calls it a conflict when a broader claim above hides the owner's file", () => {
    const result = report(
      layer("base", { fileSpec: ["/etc/motd"] }, ["/etc/motd"]),
      layer("all", { fileSpec: ["/etc/**"] }, ["/etc/motd"])
    )
    assert.deepStrictEqual(result.paths[0]?.shadowedBy, ["all"])
    assert.deepStrictEqual(messages(result), ["all hides /etc/motd of base, whose claim is more specific"])
  })

  it("lists the claims that nobody fulfils", () => {
    const result = report(
      layer("base", { protectedSpec: ["/usr/sbin/agent", "/etc/{passwd,shadow}"] }, ["/etc/passwd"])
    )
    assert.deepStrictEqual(result.orphans, [
      { moduleName: "base", list: "protectedSpec", pattern: "/usr/sbin/agent" }
    ])
  })

  describe("of a child", () => {
    const parent = layer("nginx", {
      fileSpec: ["/etc/nginx/**"],
      protectedSpec: ["/etc/nginx/nginx.conf"],
      dependencySpec: ["/etc/nginx/**"]
    }, ["/etc/nginx/nginx.conf", "/etc/nginx/mime.types"])

    it("lets it replace its parent's files inside the window", () => {
      const result = report(parent, layer("child", {}, ["/etc/nginx/mime.types"], "nginx"))
      assert.deepStrictEqual(owners(result)["/etc/nginx/mime.types"], "child")
      assert.deepStrictEqual(result.conflicts, [])
    })

    it("refuses what it ships outside the window", () => {
      const result = report(parent, layer("child", {}, ["/usr/bin/x"], "nginx"))
      assert.deepStrictEqual(messages(result), [
        "child ships /usr/bin/x outside the dependencySpec of its parent nginx"
      ])
    })

    it("keeps the parent's protected paths from it", () => {
      const result = report(parent, layer("child", {}, ["/etc/nginx/nginx.conf"], "nginx"))
      assert.deepStrictEqual(messages(result), ["child ships /etc/nginx/nginx.conf, which nginx protects"])
    })

    it("lets its mask carve a protected path out, and says so", () => {
      const result = report(
        parent,
        layer("child", { mask: ["/etc/nginx/nginx.conf"] }, ["/etc/nginx/nginx.conf"], "nginx")
      )
      assert.deepStrictEqual(result.conflicts, [])
      assert.deepStrictEqual(result.paths.find(({ path }) => path === "/etc/nginx/nginx.conf"), {
        path: "/etc/nginx/nginx.conf",
        owner: "child",
        claim: { moduleName: "child", list: "fileSpec", pattern: "/etc/nginx/**" },
        shippedBy: ["nginx", "child"],
        shadowedBy: [],
        carvedOut: { child: "child", pattern: "/etc/nginx/nginx.conf" }
      })
    })

    it("does not let it carve out what a third module protects", () => {
      const result = report(
        layer("base", { protectedSpec: ["/etc/nginx/nginx.conf"] }, []),
        { ...parent, files: [] },
        layer("child", { mask: ["/etc/nginx/nginx.conf"] }, ["/etc/nginx/nginx.conf"], "nginx")
      )
      assert.deepStrictEqual(messages(result), ["child ships /etc/nginx/nginx.conf, which base protects"])
    })
  })

  it("names for every shipped path an owner, and every conflicting layer ships the path", () => {
    const lists = fc.array(pattern, { maxLength: 3 })
    const layers = fc.array(
      fc.tuple(fc.record({ fileSpec: lists, protectedSpec: lists }), fc.array(path, { maxLength: 8 })),
      { minLength: 1, maxLength: 4 }
    )
    fc.assert(
      fc.property(layers, (of) => {
        const built = of.map(([specs, files], index) => layer(`m${index}`, specs, files))
        const result = Ownership.report(built)
        fc.pre(Result.isSuccess(result))
        const { conflicts, paths } = result.success
        assert.deepStrictEqual(paths.map((one) => one.path), [...new Set(of.flatMap(([, files]) => files))].sort())
        for (const { path, shadowedBy, shippedBy } of paths) {
          assert.isAbove(shippedBy.length, 0, path)
          assert.deepStrictEqual(shadowedBy.filter((name) => !shippedBy.includes(name)), [])
        }
        for (const { moduleName, owner, path } of conflicts) {
          assert.isTrue(built.some((one) => one.moduleName === moduleName && one.files.includes(path)))
          assert.notStrictEqual(moduleName, owner)
        }
      }),
      { numRuns: 500 }
    )
  })

  it("says of each path what it says of that path alone, and of a claim whether any shipped path is covered", () => {
    const lists = fc.array(pattern, { maxLength: 3 })
    const specs = fc.record({ mask: lists, fileSpec: lists, protectedSpec: lists, dependencySpec: lists })
    const layers = fc.array(
      fc.tuple(
        specs,
        fc.array(path, { maxLength: 8 }),
        fc.option(fc.constantFrom("m0", "m1", "m2"), { nil: undefined })
      ),
      { minLength: 1, maxLength: 4 }
    )
    fc.assert(
      fc.property(layers, (of) => {
        const built = of.map(([lists, files, parent], index) =>
          layer(`m${index}`, lists, files, parent === `m${index}` ? undefined : parent)
        )
        const result = Ownership.report(built)
        fc.pre(Result.isSuccess(result))
        const { conflicts, orphans, paths } = result.success
        const shipped = paths.map((one) => one.path)
        const alone = shipped.map((only) =>
          report(...built.map((one) => ({ ...one, files: one.files.filter((file) => file === only) })))
        )
        assert.deepStrictEqual(paths, alone.flatMap((one) => one.paths))
        assert.deepStrictEqual(conflicts, alone.flatMap((one) => one.conflicts))
        for (const { pattern: orphan } of orphans) {
          const glob = Result.getOrThrow(Glob.parse(orphan))
          // A child claims nothing outside of its window, whatever its pattern covers.
          if (built.some(({ parentModule }) => parentModule !== undefined)) continue
          assert.deepStrictEqual(shipped.filter((file) => Glob.covers(glob, file)), [])
        }
      }),
      { numRuns: 1000 }
    )
  })

  it("finds nothing to object to in layers that were built beside each other", () => {
    const lists = fc.array(pattern, { maxLength: 3 })
    const specs = fc.record({ mask: lists, fileSpec: lists, protectedSpec: lists, dependencySpec: lists })
    fc.assert(
      fc.property(
        fc.array(specs, { minLength: 2, maxLength: 4 }),
        fc.boolean(),
        fc.uniqueArray(path, { maxLength: 12 }),
        (of, withChild, paths) => {
          const modules = of.map((one, index) =>
            layer(`m${index}`, one, [], withChild && index === of.length - 1 ? "m0" : undefined)
          )
          const compiled = modules.map((one, position) => ({ one, spec: FileSpec.compileBeside(modules, position) }))
          fc.pre(compiled.every(({ spec }) => Result.isSuccess(spec)))
          const built = compiled.map(({ one, spec }) => ({
            ...one,
            files: paths.filter((file) => Result.getOrThrow(spec).selects(file))
          }))
          const objections = Result.getOrThrow(Ownership.report(built)).conflicts.filter(({ reason }) =>
            reason === "protected" || reason === "outside_window"
          )
          assert.deepStrictEqual(objections, [])
        }
      ),
      { numRuns: 3000 }
    )
  })
})
