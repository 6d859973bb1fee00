import { assert, describe, it } from "@effect/vitest"
import { Content, Diff, Explain, Flatten, FsVerity, Image, Node, Tree } from "@lamina/composefs"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as fc from "fast-check"
import { createHash } from "node:crypto"

const bytes = (size: number, seed: number) => Uint8Array.from({ length: size }, (_, at) => (at * 31 + seed) & 0xff)
const xattrs = (...names: ReadonlyArray<string>) => new Map(names.map((name) => [name, bytes(5, name.length)]))
const time = (seconds: number, nanoseconds = 0): Node.Timestamp => ({ seconds: BigInt(seconds), nanoseconds })
const external = (content: Uint8Array, options?: Node.MetadataOptions & { readonly nlink?: number }) =>
  Node.externalFile({ size: content.length, digest: FsVerity.digest(content) }, options)

const tiny = bytes(40, 1)
const small = bytes(300, 2)
const large = bytes(5000, 3)

/** A tree in which everything is there that tools treat differently. */
const rich: Tree.Tree = {
  root: Node.directory({
    boot: Node.directory({ kernel: external(large, { mtime: time(90, 9) }) }, { mtime: time(91) }),
    dev: Node.directory({ null: Node.characterDevice(0x103), sda: Node.blockDevice(0x800), gone: Node.whiteout() }),
    etc: Node.directory({
      conf: Node.inlineFile("key=value\n", { mtime: time(1000, 5), xattrs: xattrs("security.selinux", "user.a") }),
      big: Node.inlineFile(bytes(200, 4), { uid: 70_000, mtime: time(2000, 7) }),
      linked: Node.hardLink("/run/lock"),
      alias: Node.hardLink("/etc/conf")
    }, { mtime: time(3000, 1) }),
    opt: Node.directory({}, { mtime: time(3500) }),
    run: Node.directory({ lock: Node.inlineFile("lock", { nlink: 5, mtime: time(70) }) }, { mtime: time(80, 3) }),
    sysroot: Node.directory({ ostree: Node.directory() }),
    usr: Node.directory({
      tiny: external(tiny, { gid: 7 }),
      small: external(small, { xattrs: xattrs("security.capability", "trusted.foo", "user.b") }),
      overlaid: Node.directory({}, { xattrs: xattrs("trusted.overlay.origin", "user.overlay.impure") }),
      link: Node.symlink("small", { mtime: time(-5, 2) })
    }, { mode: 0o750, gid: 3, mtime: time(4000, 4), xattrs: xattrs("security.selinux") })
  }, { mtime: time(9000, 9) })
}

const contents: Content.ContentSource = {
  open: (digest) => {
    const content = [tiny, small, large].find((content) => FsVerity.digest(content) === digest)
    return content === undefined
      ? Stream.fail(new Content.ContentError({ reason: { _tag: "NotFound", digest } }))
      : Stream.make(content)
  }
}

const options = { contents, sourceDateEpoch: time(1500) }

/** Every value that is not the ordinary one. */
const alternatives = {
  format: ["0", "1", "2"],
  xattrs: [
    "none",
    "user",
    "security.capability",
    "security.capability and user",
    "without security.selinux",
    "without trusted",
    "without overlay"
  ],
  mtimes: ["epoch", "whole seconds", "at most SOURCE_DATE_EPOCH", "SOURCE_DATE_EPOCH"],
  directoryMtimes: ["epoch", "epoch unless whole seconds", "newest below"],
  hardLinks: ["separate", "counted", "first name", "uncounted"],
  root: ["of /usr", "default"],
  emptied: [
    "/run",
    "/boot and /sysroot",
    "/run, /boot and /sysroot",
    "/run, /boot and /sysroot, own nanoseconds"
  ],
  owners: ["root"],
  devices: ["skipped"],
  inline: ["0", "64", "512"],
  objects: ["sha512"]
} satisfies { readonly [Name in Exclude<Explain.Dimension, "measure">]: ReadonlyArray<Explain.Combination[Name]> }

const singles: ReadonlyArray<Partial<Explain.Combination>> = Object.entries(alternatives)
  .flatMap(([dimension, values]) => values.map((value) => ({ [dimension]: value })))

const digestWith = Effect.fnUntraced(function*(combination: Partial<Explain.Combination>, using = FsVerity.sha256) {
  const tree = yield* Explain.apply(rich, combination, options)
  const write = Explain.writeOptions({ format: combination.format ?? "0..1" })
  return Result.getOrThrow(Image.digest(tree ?? Tree.empty, { ...write, using }))
})

const assertFound = Effect.fnUntraced(function*(expected: string, using = FsVerity.sha256) {
  const explanation = yield* Explain.digest(expected, rich, options)
  if (explanation._tag !== "Found") return assert.fail(Explain.format(explanation))
  assert.strictEqual(Result.getOrThrow(Image.digest(explanation.tree, { ...explanation.write, using })), expected)
  return explanation
})

/** Sets of rules, and the combinations that do the same but for root and links. */
const ofRules: ReadonlyArray<readonly [Flatten.Rules, Partial<Explain.Combination>]> = [
  [Flatten.composefsRs, { xattrs: "security.capability", emptied: "/run" }],
  [Flatten.composefsRsUserXattrs, { xattrs: "security.capability and user", emptied: "/run" }],
  [Flatten.composefsRsBoot, { xattrs: "security.capability", emptied: "/run, /boot and /sysroot" }]
]

describe("Explain.digest", () => {
  it.effect("knows the tree as it is", () =>
    Effect.gen(function*() {
      const explanation = yield* assertFound(Result.getOrThrow(Image.digest(rich)))
      assert.deepEqual(explanation.deviations, [])
      assert.match(Explain.format(explanation), /as it is/)
    }))

  it.effect.each(singles)("finds %j", (single) =>
    Effect.gen(function*() {
      const explanation = yield* assertFound(yield* digestWith(single))
      assert.isAtMost(explanation.deviations.length, 1)
    }))

  it.effect("finds any two deviations", () =>
    Effect.promise(() =>
      fc.assert(
        fc.asyncProperty(fc.constantFrom(...singles), fc.constantFrom(...singles), (one, other) =>
          Effect.runPromise(Effect.gen(function*() {
            const explanation = yield* assertFound(yield* digestWith({ ...one, ...other }))
            assert.isAtMost(explanation.deviations.length, 2)
          }))),
        { numRuns: 25 }
      )
    ))

  it.effect("finds what whole tools do, in any format", () =>
    Effect.gen(function*() {
      const sealed = { xattrs: "security.capability", root: "of /usr", emptied: "/run, /boot and /sysroot" } as const
      const explanation = yield* assertFound(yield* digestWith({ ...sealed, format: "1" }))
      assert.match(Explain.format(explanation), /--bootable/)
      assert.isBelow(explanation.attempts, 100)
    }))

  it.effect("finds what the rules of composefs-rs make of a tree, and does the same to it", () =>
    Effect.gen(function*() {
      const crowd = Node.directory({ "2": Node.inlineFile("2", { mtime: time(7, 7) }), "1": Node.hardLink("/opt/2") })
      const tree = { root: Node.directory(new Map([...rich.root.entries, ["opt", crowd]]), rich.root) }
      for (const [rules, combination] of ofRules) {
        const made = Result.getOrThrow(Flatten.canonicalize(tree, rules))
        const applied = yield* Explain.apply(tree, { ...combination, root: "of /usr", hardLinks: "first name" })
        assert.deepEqual(Array.from(Diff.trees(made, applied ?? Tree.empty, { hardLinks: "primaries" })), [])
        const expected = Result.getOrThrow(Image.digest(made, { version: 1 }))
        const explanation = yield* Explain.digest(expected, tree)
        assert.strictEqual(explanation._tag, "Found", Explain.format(explanation))
      }
    }))

  it.effect("takes the hash from the length of the digest", () =>
    Effect.gen(function*() {
      const expected = yield* digestWith({ objects: "sha512", format: "0" }, FsVerity.sha512)
      const { deviations } = yield* assertFound(expected, FsVerity.sha512)
      assert.deepEqual(deviations.map(({ value }) => value), ["0", "sha512"])
    }))

  it.effect("recognizes a plain hash of the image", () =>
    Effect.gen(function*() {
      const image = Result.getOrThrow(Image.write(rich, { version: 0 }))
      const expected = createHash("sha256").update(image).digest("hex")
      const explanation = yield* Explain.digest(`sha256:${expected}`, rich)
      assert.deepEqual(explanation._tag === "Found" && explanation.deviations.map(({ value }) => value), [
        "0",
        "plain hash"
      ])
    }))

  it.effect("names other causes that would have made the same tree", () =>
    Effect.gen(function*() {
      const tree = { root: Node.directory({ f: Node.fifo({ xattrs: xattrs("security.selinux") }) }) }
      const bare = { root: Node.directory({ f: Node.fifo() }) }
      const explanation = yield* Explain.digest(Result.getOrThrow(Image.digest(bare)), tree)
      if (explanation._tag !== "Found") return assert.fail(Explain.format(explanation))
      assert.deepEqual(explanation.deviations.map(({ value }) => value), ["none"])
      assert.includeMembers(explanation.alternatives.map(({ value }) => value), [
        "security.capability",
        "without security.selinux"
      ])
      assert.notInclude(explanation.alternatives.map(({ value }) => value), "without trusted")
    }))

  it.effect("searches only the dimensions it is told to", () =>
    Effect.gen(function*() {
      const expected = yield* digestWith({ owners: "root" })
      const explanation = yield* Explain.digest(expected, rich, { dimensions: ["format", "mtimes"] })
      assert.strictEqual(explanation._tag, "NotFound")
      assert.deepEqual(
        explanation._tag === "NotFound" && [...new Set(explanation.tried.map(({ dimension }) => dimension))],
        ["format", "mtimes"]
      )
    }))

  it.effect("refuses what is no digest", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(Explain.digest("sha256:abc", rich))
      assert.strictEqual(error.reason._tag, "InvalidDigest")
    }))
})

describe("Explain.digest, when nothing fits", () => {
  const unknown = "ab".repeat(32)

  it.effect("tells what was tried, what makes no difference, and what could not be tried", () =>
    Effect.gen(function*() {
      const plain = { root: Node.directory({ f: Node.externalFile({ size: 10, digest: unknown }, { uid: 3 }) }) }
      const explanation = yield* Explain.digest(unknown, plain)
      if (explanation._tag !== "NotFound") return assert.fail("found")
      assert.isTrue(explanation.isExhausted)
      assert.deepEqual(explanation.tried.map(({ value }) => value), ["1", "0", "2", "root"])
      assert.include(explanation.withoutEffect.map(({ value }) => value), "epoch")
      assert.includeMembers(explanation.impossible.map(({ value }) => value), ["of /usr", "64", "SOURCE_DATE_EPOCH"])
      assert.match(explanation.hints.join("\n"), /no extended attributes at all/)
      assert.match(Explain.format(explanation), /not found in \d+ images; that was every combination/)
    }))

  it.effect("stops at the limit and says that there is more", () =>
    Effect.gen(function*() {
      const explanation = yield* Explain.digest(unknown, rich, { ...options, maxAttempts: 50 })
      assert.strictEqual(explanation.attempts, 50)
      assert.match(Explain.format(explanation), /there are more combinations/)
    }))

  it.effect.each<readonly [expected: string, hint: RegExp]>([
    ["3d248ca542a24fc62d1c43b916eae5016878e2533c88238480b26128a1f1af95", /empty file/],
    ["cfc3391077edfd51859f6e5e16e03f82b1da3ee1a35d418b0d0b3b57740b4405", /composefs up to 1\.0\.8/],
    ["ab".repeat(64), /give the contents along/]
  ])("recognizes digests that are of no image: %s", ([expected, hint]) =>
    Effect.gen(function*() {
      const explanation = yield* Explain.digest(expected, rich, { maxAttempts: 1 })
      assert.match(explanation._tag === "NotFound" ? explanation.hints.join("\n") : "", hint)
    }))

  it.effect("suspects lost hard links, and contents that are missing", () =>
    Effect.gen(function*() {
      const tree = {
        root: Node.directory({ f: Node.externalFile({ size: 70, digest: unknown }, { nlink: 2 }), g: external(large) })
      }
      const explanation = yield* Explain.digest(unknown, tree, { contents })
      const hints = explanation._tag === "NotFound" ? explanation.hints.join("\n") : ""
      assert.match(hints, /hard links may be lost/)
      assert.match(hints, /contents could not be read.* 1 in all, .*: object .* is missing/)
    }))

  it.effect("does not take a content for that of a file of another size", () =>
    Effect.gen(function*() {
      const lie = Node.externalFile({ size: 10, digest: FsVerity.digest(large) })
      const explanation = yield* Explain.digest(unknown, { root: Node.directory({ lie }) }, { contents })
      const hints = explanation._tag === "NotFound" ? explanation.hints.join("\n") : ""
      assert.match(hints, /expected 10 bytes, got 5000/)
    }))

  it.effect("tells its progress, and lets itself be interrupted", () =>
    Effect.gen(function*() {
      const seen: Array<number> = []
      const fiber = yield* Effect.forkChild(Explain.digest(unknown, rich, {
        onProgress: ({ attempts }) => {
          seen.push(attempts)
          return seen.length === 5 ? Effect.never : Effect.void
        }
      }))
      while (seen.length < 5) yield* Effect.yieldNow
      yield* Fiber.interrupt(fiber)
      assert.deepEqual(seen.slice(0, 2), [0, 1])
    }))
})

describe("Explain.apply", () => {
  const applied = (combination: Partial<Explain.Combination>) =>
    Effect.map(
      Explain.apply(rich, combination, options),
      (tree) => Array.from(Diff.trees(rich, tree ?? Tree.empty), Diff.format)
    )

  it.effect("copies the root's metadata from /usr", () =>
    Effect.gen(function*() {
      assert.deepEqual(yield* applied({ root: "of /usr" }), [
        "~ /: mode 0755 -> 0750",
        "~ /: gid 0 -> 3",
        "~ /: mtime 9000.000000009 -> 4000.000000004",
        "~ /: xattr security.selinux absent -> \\x10/Nm\\x8c"
      ])
    }))

  it.effect("empties directories, with the time of /usr, and keeps files that have another name", () =>
    Effect.gen(function*() {
      assert.deepEqual(yield* applied({ emptied: "/run" }), [
        "~ /etc/linked: link count 5 -> 1",
        "~ /run: mtime 80.000000003 -> 4000.000000004",
        "- /run/lock: file of 4 bytes"
      ])
    }))

  it.effect("keeps nanoseconds of emptied directories, as it once was done", () =>
    Effect.gen(function*() {
      const lines = yield* applied({ emptied: "/run, /boot and /sysroot, own nanoseconds" })
      assert.include(lines, "~ /run: mtime 80.000000003 -> 4000.000000004")
      assert.include(lines, "~ /boot: mtime 91.000000000 -> 4000.000000000")
    }))

  it.effect("resets the times of directories that unpacking has set", () =>
    Effect.gen(function*() {
      const lines = yield* applied({ directoryMtimes: "epoch unless whole seconds" })
      assert.include(lines, "~ /etc: mtime 3000.000000001 -> 0.000000000")
      assert.notMatch(lines.join("\n"), /\/opt/)
    }))

  it.effect("makes files of hard links, counts them, or gives them to their first name", () =>
    Effect.gen(function*() {
      assert.deepEqual(yield* applied({ hardLinks: "separate" }), [
        "~ /etc/alias: hard link group /etc/alias = /etc/conf -> /etc/alias",
        "~ /etc/conf: hard link group /etc/alias = /etc/conf -> /etc/conf",
        "~ /etc/linked: link count 5 -> 1",
        "~ /etc/linked: hard link group /etc/linked = /run/lock -> /etc/linked",
        "~ /run/lock: link count 5 -> 1",
        "~ /run/lock: hard link group /etc/linked = /run/lock -> /run/lock"
      ])
      assert.deepEqual(yield* applied({ hardLinks: "counted" }), [
        "~ /etc/alias: link count 1 -> 2",
        "~ /etc/linked: link count 5 -> 2"
      ])
      const first = yield* Explain.apply(rich, { hardLinks: "first name" })
      const etc = first?.root.entries.get("etc")
      assert.strictEqual(etc?._tag === "Directory" && etc.entries.get("alias")?._tag, "InlineFile")
    }))

  it.effect("makes directories as new as what is below them", () =>
    Effect.gen(function*() {
      const lines = yield* applied({ directoryMtimes: "newest below" })
      assert.include(lines, "~ /etc: mtime 3000.000000001 -> 2000.000000007")
      assert.include(lines, "~ /: mtime 9000.000000009 -> 3500.000000000")
    }))

  it.effect("moves contents in and out of the image", () =>
    Effect.gen(function*() {
      assert.deepEqual(yield* applied({ inline: "64" }), [
        "~ /etc/big: storage place inline -> external",
        "~ /usr/tiny: storage place external -> inline"
      ])
    }))

  it.effect("does not do what cannot be done", () =>
    Effect.gen(function*() {
      assert.isUndefined(yield* Explain.apply(Tree.empty, { root: "of /usr" }))
      assert.isUndefined(yield* Explain.apply(rich, { objects: "sha512" }))
      assert.isUndefined(yield* Explain.apply(rich, { mtimes: "SOURCE_DATE_EPOCH" }))
    }))
})
