import { assert, describe, it } from "@effect/vitest"
import { EffectiveMask, FileSpec, ModuleSpecs } from "@lamina/core/specs/index"
import * as Result from "effect/Result"
import * as fc from "fast-check"
import { path, pattern } from "./Patterns.ts"

const compile = (specs: Partial<ModuleSpecs.ModuleSpecs>): FileSpec.FileSpec =>
  Result.getOrThrow(FileSpec.compile(ModuleSpecs.make(specs)))

const tree: ReadonlyArray<FileSpec.TreeEntry> = [
  { path: "/etc", kind: "directory" },
  { path: "/etc/redis", kind: "directory" },
  { path: "/etc/redis/redis.conf", kind: "file" },
  { path: "/etc/redis/sentinel.conf", kind: "file" },
  { path: "/etc/passwd", kind: "file" },
  { path: "/var", kind: "directory" },
  { path: "/var/lib", kind: "directory" },
  { path: "/var/lib/redis", kind: "directory" },
  { path: "/var/cache", kind: "directory" }
]

describe("FileSpec", () => {
  const spec = compile({ mask: ["/etc/redis/sentinel.conf"], fileSpec: ["/etc/redis/**", "/var/lib/redis"] })

  it("lets the mask win over the file spec", () => {
    assert.isTrue(spec.selects("/etc/redis/redis.conf"))
    assert.isFalse(spec.selects("/etc/redis/sentinel.conf"))
    assert.isFalse(spec.selects("/etc/passwd"))
  })

  it("explains which pattern of which list decided", () => {
    assert.strictEqual(
      spec.explain("/etc/redis/redis.conf").message,
      "/etc/redis/redis.conf is selected by fileSpec /etc/redis/**"
    )
    assert.strictEqual(
      spec.explain("/etc/redis/sentinel.conf").message,
      "/etc/redis/sentinel.conf is left out by mask /etc/redis/sentinel.conf"
    )
    assert.strictEqual(spec.explain("/etc/passwd").message, "/etc/passwd is not selected: no pattern covers it")
  })

  it("keeps the directories above what is selected, and selected empty directories, and no others", () => {
    assert.deepStrictEqual(
      spec.filter(tree).map(({ path }) => path),
      ["/etc", "/etc/redis", "/etc/redis/redis.conf", "/var", "/var/lib", "/var/lib/redis"]
    )
  })

  it("selects nothing when the file spec is empty", () => {
    assert.deepStrictEqual(compile({ packageSpec: ["redis"] }).filter(tree), [])
  })

  it("renders a filter that names every directory on the way", () => {
    assert.strictEqual(
      spec.toRsyncFilter(),
      [
        "P /etc/redis/**/",
        "P /var/lib/redis/",
        "P /var/lib/redis/**/",
        "- /etc/redis/sentinel.conf",
        "+ /etc/",
        "+ /etc/redis/",
        "+ /etc/redis/**",
        "+ /var/",
        "+ /var/lib/",
        "+ /var/lib/redis",
        "+ /var/lib/redis/**",
        "- *",
        ""
      ].join("\n")
    )
  })

  it("never lets a walk leave out a directory that has a selected path below it", () => {
    const lists = fc.array(pattern, { maxLength: 4 })
    fc.assert(
      fc.property(lists, lists, path, (mask, fileSpec, of) => {
        const compiled = FileSpec.compile(ModuleSpecs.make({ mask, fileSpec }))
        fc.pre(Result.isSuccess(compiled))
        const parent = of.slice(0, of.lastIndexOf("/")) || "/"
        if (compiled.success.selects(of)) assert.isTrue(compiled.success.mayContain(parent))
      }),
      { numRuns: 2000 }
    )
  })

  it("leaves out directories that are masked or lead nowhere", () => {
    const masked = compile({ mask: ["/etc/a"], fileSpec: ["/etc/**"] })
    assert.isFalse(masked.mayContain("/etc/a"))
    assert.isFalse(masked.mayContain("/etc/a/b"))
    assert.isTrue(masked.mayContain("/etc"))
    assert.isFalse(masked.mayContain("/usr"))
  })

  it("has one fingerprint for the same selection, whatever the order of the lists", () => {
    const one = compile({ mask: ["/a", "/b"], fileSpec: ["/c", "/d"], packageSpec: ["x1", "y1"] }).fingerprint
    assert.strictEqual(
      compile({ mask: ["/b", "/a"], fileSpec: ["/d", "/c", "/c"], packageSpec: ["y1", "x1"] }).fingerprint,
      one
    )
    assert.notStrictEqual(compile({ mask: ["/a"], fileSpec: ["/b", "/c", "/d"] }).fingerprint, one)
    assert.match(one, /^sha256:[0-9a-f]{64}$/)
  })

  it("has one fingerprint for the same selection beside neighbours, whatever the order of their claims", () => {
    const beside = (...claims: ReadonlyArray<string>): string => {
      const modules = [
        { moduleName: "a", specs: ModuleSpecs.make({ protectedSpec: claims }) },
        { moduleName: "b", specs: ModuleSpecs.make({ fileSpec: ["/etc/**"], protectedSpec: ["/etc/c"] }) }
      ]
      return Result.getOrThrow(FileSpec.compileBeside(modules, 1)).fingerprint
    }
    assert.strictEqual(beside("/etc/a", "/etc/b"), beside("/etc/b", "/etc/a", "/etc/b"))
    assert.notStrictEqual(beside("/etc/a", "/etc/b"), beside("/etc/a"))
  })

  it("reports every entry that is no pattern, with its place", () => {
    const refused = FileSpec.compile(ModuleSpecs.make({ fileSpec: ["/ok", "etc/x", "/a/../b"] }))
    assert.isTrue(Result.isFailure(refused))
    assert.strictEqual(
      Result.isFailure(refused) ? refused.failure.message : "",
      [
        "fileSpec[1]: \"etc/x\" is not a pattern: a pattern is an absolute path from the module's root (did you mean /etc/x?)",
        "fileSpec[2]: \"/a/../b\" is not a pattern: the component \"..\" is not allowed (write the path as it is from the module's root)"
      ].join("\n")
    )
  })
})

interface Directory {
  readonly [name: string]: Directory | "file"
}
type Entry = Directory | "file"

const entriesOf = (entry: Entry) => entry === "file" ? undefined : Object.entries(entry)

describe("FileSpec.walk", () => {
  it.each(["", ".", "..", "a/b", "/", "../../etc/shadow", "a\0b"])("throws at the name %j, selected or not", (name) => {
    type Node = string | Map<string, Node>
    const childrenOf = (node: Node) => typeof node === "string" ? undefined : node
    const root: Node = new Map([["etc", new Map([["hostname", "lamina"], [name, "evil"]])]])
    for (const fileSpec of [["/**"], ["/etc/hostname"]]) {
      const spec = Result.getOrThrow(FileSpec.compile(ModuleSpecs.make({ fileSpec })))
      const walked: Array<string> = []
      assert.throws(() => {
        for (const { path } of FileSpec.walk<Node>(spec, root, childrenOf)) walked.push(path)
      }, `the listing of "/etc" has ${JSON.stringify(name)}, which is not a name`)
      assert.deepStrictEqual(walked, ["/etc", "/etc/hostname"])
    }
  })

  const name = fc.constantFrom("a", "b", "ab", ".a", "x", "xa")
  const { directory } = fc.letrec<{ directory: Directory; entry: Entry }>((tie) => ({
    entry: fc.oneof({ depthSize: "small", withCrossShrink: true }, fc.constant("file" as const), tie("directory")),
    directory: fc.dictionary(name, tie("entry"), { maxKeys: 4 })
  }))
  const flattened = (entry: Entry, path: string): ReadonlyArray<FileSpec.TreeEntry> =>
    (entriesOf(entry) ?? []).flatMap(([inside, inner]) => [
      { path: `${path}/${inside}`, kind: inner === "file" ? "file" as const : "directory" as const },
      ...flattened(inner, `${path}/${inside}`)
    ])

  it("yields what filter keeps of the same tree laid out flat", () => {
    const lists = fc.array(pattern, { maxLength: 3 })
    fc.assert(
      fc.property(lists, lists, directory, (mask, fileSpec, root) => {
        const compiled = FileSpec.compile(ModuleSpecs.make({ mask, fileSpec }))
        fc.pre(Result.isSuccess(compiled))
        const walked = Array.from(
          FileSpec.walk<Entry>(compiled.success, root, entriesOf),
          ({ kind, path }) => ({ path, kind })
        )
        assert.deepStrictEqual(walked, compiled.success.filter(flattened(root, "")))
      }),
      { numRuns: 2000 }
    )
  })

  it("does not enter a directory that leads nowhere", () => {
    const entered: Array<string> = []
    const childrenOf = (path: string): Iterable<readonly [string, string]> | undefined =>
      path.endsWith("/") ? opened(path) : undefined
    function* opened(path: string): Generator<readonly [string, string]> {
      entered.push(path)
      yield ["etc", `${path}etc/`]
      yield ["usr", `${path}usr/`]
      yield ["file", `${path}file`]
    }
    const spec = compile({ mask: ["/etc/etc"], fileSpec: ["/etc/usr/file"] })
    assert.deepStrictEqual(Array.from(FileSpec.walk(spec, "/", childrenOf), ({ path }) => path), [
      "/etc",
      "/etc/usr",
      "/etc/usr/file"
    ])
    assert.deepStrictEqual(entered, ["/", "/etc/", "/etc/usr/"])
  })
})

describe("ModuleSpecs", () => {
  it("reports what is wrong in every list", () => {
    const refused = ModuleSpecs.validate(
      ModuleSpecs.make({
        mask: [""],
        protectedSpec: ["x"],
        packageSpec: ["nginx", "Not A Package", "libc6:arm64=2.39-0ubuntu8"]
      })
    )
    assert.deepStrictEqual(
      Result.isFailure(refused) ? refused.failure.problems.map(({ index, list }) => `${list}[${index}]`) : [],
      ["mask[0]", "protectedSpec[0]", "packageSpec[1]"]
    )
  })

  it("narrows a child to its parent's window", () => {
    const parent = ModuleSpecs.make({ dependencySpec: ["/etc/nginx/conf.d/**", "/etc/nginx/mime.types"] })
    const child = ModuleSpecs.make({ fileSpec: ["/etc/nginx/conf.d/site.conf", "/etc/nginx/m*", "/usr/bin/x"] })
    const { outside, specs } = Result.getOrThrow(ModuleSpecs.withinParent(child, parent))
    assert.deepStrictEqual(specs.fileSpec, ["/etc/nginx/conf.d/site.conf", "/etc/nginx/mime.types"])
    assert.deepStrictEqual(outside, ["/usr/bin/x"])
  })

  it("gives a child without a file spec the whole window", () => {
    const parent = ModuleSpecs.make({ dependencySpec: ["/etc/nginx/conf.d/**"] })
    const { outside, specs } = Result.getOrThrow(ModuleSpecs.withinParent(ModuleSpecs.empty, parent))
    assert.deepStrictEqual([specs.fileSpec, outside], [["/etc/nginx/conf.d/**"], []])
  })
})

describe("EffectiveMask", () => {
  const base = {
    moduleName: "system-base",
    specs: ModuleSpecs.make({ fileSpec: ["/etc/**"], protectedSpec: ["/etc/passwd", "/etc/security/**"] })
  }
  const hardening = {
    moduleName: "security-hardening",
    specs: ModuleSpecs.make({
      mask: ["/etc/security/limits.d/*.bak"],
      fileSpec: ["/etc/security/limits.d/**", "/etc/sysctl.d/**"],
      protectedSpec: ["/etc/security/limits.d/99-baseline.conf"]
    })
  }
  const besideEachOther = (position: 0 | 1): FileSpec.FileSpec => {
    const modules = [base, hardening] as const
    const mask = Result.getOrThrow(EffectiveMask.compute(modules, position))
    return Result.getOrThrow(FileSpec.compile(modules[position].specs, mask))
  }

  it("leaves a neighbour's claims out in both priority directions", () => {
    assert.isFalse(besideEachOther(1).selects("/etc/security/limits.d/10-other.conf"))
    assert.isFalse(besideEachOther(0).selects("/etc/security/limits.d/99-baseline.conf"))
    assert.strictEqual(
      besideEachOther(1).explain("/etc/security/limits.d/10-other.conf").message,
      "/etc/security/limits.d/10-other.conf is left out by protectedSpec of system-base /etc/security/**"
    )
  })

  it("lets the more specific claim keep its path, so that it does not vanish", () => {
    assert.isTrue(besideEachOther(1).selects("/etc/security/limits.d/99-baseline.conf"))
    assert.isTrue(besideEachOther(0).selects("/etc/security/access.conf"))
    assert.isTrue(besideEachOther(0).selects("/etc/passwd"))
  })

  it("gives a path that both claim equally to the lower module", () => {
    const specs = ModuleSpecs.make({ fileSpec: ["/etc/**"], protectedSpec: ["/etc/motd"] })
    const modules = [{ moduleName: "a", specs }, { moduleName: "b", specs }]
    const selects = (position: number) =>
      Result.getOrThrow(FileSpec.compile(specs, Result.getOrThrow(EffectiveMask.compute(modules, position))))
        .selects("/etc/motd")
    assert.deepStrictEqual([selects(0), selects(1)], [true, false])
  })

  it("does not let a broad claim of one's own win by the narrow patterns that one ships", () => {
    const modules = [
      { moduleName: "a", specs: ModuleSpecs.make({ protectedSpec: ["/etc/ssh/**"] }) },
      { moduleName: "b", specs: ModuleSpecs.make({ fileSpec: ["/etc/ssh/sshd_config"], protectedSpec: ["/etc/**"] }) }
    ] as const
    const mask = Result.getOrThrow(EffectiveMask.compute(modules, 1))
    assert.isFalse(Result.getOrThrow(FileSpec.compile(modules[1].specs, mask)).selects("/etc/ssh/sshd_config"))
  })

  it("keeps the module's own mask above its own claims", () => {
    assert.isFalse(besideEachOther(1).selects("/etc/security/limits.d/99-baseline.bak"))
  })

  it("lets a child carve a path out of its parent's claim, and only that", () => {
    const modules = [
      {
        moduleName: "nginx",
        specs: ModuleSpecs.make({
          fileSpec: ["/etc/nginx/**"],
          protectedSpec: ["/etc/nginx/conf.d/**"],
          dependencySpec: ["/etc/nginx/conf.d/**"]
        })
      },
      {
        moduleName: "nginx-for-shop",
        parentModule: "nginx",
        specs: ModuleSpecs.make({
          mask: ["/etc/nginx/conf.d/shop.conf", "/etc/nginx/**/*.bak"],
          fileSpec: ["/etc/nginx/conf.d/**"]
        })
      }
    ] as const
    const mask = Result.getOrThrow(EffectiveMask.compute(modules, 1))
    assert.deepStrictEqual(mask.carveOuts, ["/etc/nginx/conf.d/shop.conf"])
    const spec = Result.getOrThrow(FileSpec.compile(modules[1].specs, mask))
    assert.isTrue(spec.selects("/etc/nginx/conf.d/shop.conf"))
    assert.isFalse(spec.selects("/etc/nginx/conf.d/other.conf"))
  })
})
