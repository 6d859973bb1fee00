/** Damaged dumps: the parser refuses them with its own error, or gives a tree that is printed and parsed again. */
import { Dump, Image, type Tree } from "@lamina/composefs"
import * as Result from "effect/Result"
import { disturb, respell } from "../dumpTexts.ts"
import { makeSeed, mutate } from "../mutate.ts"
import type { Random } from "../Random.ts"
import { BrokenPromise, type Outcome, type Target } from "./target.ts"

const digest = "ab".repeat(32)
const texts = [
  [
    "/ 0 40755 4 0 0 0 0.0 - - - security.selinux=label",
    "/dir 0 40755 3 0 0 0 5.1 - - - user.overlay.opaque=x",
    "/dir/gone 0 20644 1 0 0 0 0.0 - - -",
    "/dir/link 0 @100644 2 0 0 0 0.0 /file - -",
    `/external 10000 100644 1 70000 0 0 0.0 ab/${digest.slice(2)} - ${digest} system.posix_acl_access=\\x02\\x00`,
    "/file 6 100644 2 0 0 0 -1.999999999 - inl\\ne\\\\ - user.a=1 user.b=",
    "/symlink 4 120777 1 0 0 0 0.0 file - -",
    "/\\xffname\\x20 0 10644 1 0 0 0 0.0 - - -",
    ""
  ],
  [
    "/ 0 40755 2 0 0 0 0.0 - - -",
    "/a 0 @100644 1 0 0 0 0.0 /b - -",
    "/b 0 @100644 1 0 0 0 0.0 /c - -",
    "/c 1 100644 3 0 0 0 0.0 - \\x2d -",
    "/d 9007199254740992 100644 1 0 0 0 0.0 odd/payload - -",
    "/e 4294967296 60644 1 4294967295 4294967295 2049 0.0 - - - trusted.overlay.redirect=x",
    "/f 4294967296 10644 1 0 0 0 0.0 - - -",
    "/g 0 @100644 1 0 0 0 0.0 / - -",
    ""
  ]
].map((lines) => lines.join("\n"))

export const dumpTarget = (): Target => {
  const seeds = texts.map((text) => makeSeed(Buffer.from(text, "latin1")))
  const first = makeSeed(Buffer.from(texts[0] ?? "", "latin1"))
  const damaged = (random: Random): Buffer => {
    if (random.onceIn(2)) return mutate(random.oneOf(seeds, first), seeds, random)
    let text = random.oneOf(texts, "")
    if (random.onceIn(4)) text = respell(text, random)
    for (let faults = random.pick(1, 1, 2, 3); faults > 0; faults--) text = disturb(text, random)
    return Buffer.from(text, "latin1")
  }
  return { name: "dumps", make: damaged, read }
}

/** Without a tree on the way it is the same image, and the same refusal; what is written is read back as what it is. */
const checkImage = (bytes: Uint8Array, parsed: Result.Result<Tree.Tree, Dump.DumpError>): void => {
  const image = Image.fromDump(bytes)
  const expected = Result.flatMap(parsed, (tree) => Image.write(tree))
  const isSame = Result.isSuccess(image)
    ? Result.isSuccess(expected) && Buffer.compare(image.success, expected.success) === 0
    : Result.isFailure(expected) && withoutPath(image.failure.message) === withoutPath(expected.failure.message)
  if (!isSame) throw new BrokenPromise("another image than that of the tree")
  if (Result.isFailure(image)) return
  const read = Image.read(image.success, { canonical: true })
  if (Result.isFailure(read)) throw new BrokenPromise(`its image is not read: ${read.failure.message}`)
}

/** Of several paths that cannot be written, any may be the first to be found. */
const withoutPath = (message: string): string => message.replace(/^cannot write ".*" into/, "cannot write … into")

const read = (bytes: Uint8Array, isThorough: boolean): Outcome => {
  const result = Dump.parse(bytes)
  if (isThorough) checkImage(bytes, result)
  if (Result.isFailure(result)) {
    if (!(result.failure instanceof Dump.DumpError)) throw new BrokenPromise("an error of another kind")
    if (!isThorough) return "refused"
    const strict = Dump.parse(bytes, { strict: true })
    if (Result.isSuccess(strict)) throw new BrokenPromise("accepted only when it is strict")
    return "refused"
  }
  const tree = result.success
  const text = Dump.print(tree)
  const again = Dump.parse(text, { strict: true })
  if (Result.isFailure(again)) throw new BrokenPromise(`what was printed is refused: ${again.failure.message}`)
  if (Dump.print(again.success) !== text) throw new BrokenPromise("another dump after printing")
  return "accepted"
}
