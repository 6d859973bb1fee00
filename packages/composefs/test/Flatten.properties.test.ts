import { assert, describe, it } from "@effect/vitest"
import { Dump, Flatten, FsVerity, Image, Layer, Tree } from "@lamina/composefs"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as fc from "fast-check"
import { archive } from "./archives.ts"
import { type History, history } from "./histories.ts"
import { sample, view } from "./trees.ts"

const mediaType = "application/vnd.oci.image.layer.v1.tar"

const flatten = ({ layers }: Pick<History, "layers">, rules: Flatten.Rules) =>
  Tree.fromLayers(
    layers.map((items) => ({ mediaType, content: Stream.make(archive(items)) })),
    { flatten: rules, inlineLimit: 200 }
  )

describe("Tree.fromLayers", () => {
  for (
    const [title, early, rules] of [
      ["gives the last state of a history, wherever its layers have their whiteouts", false, Flatten.oci],
      [
        "gives the last state under composefs-rs' rules for layers whose whiteouts come first",
        true,
        { ...Flatten.oci, whiteouts: "at-once", missingParents: "refuse", symlinkedParents: "refuse" }
      ]
    ] as const
  ) {
    it(title, () =>
      fc.assert(
        fc.asyncProperty(history({ early }), async (sample) => {
          const { tree } = await Effect.runPromise(flatten(sample, rules))
          assert.deepEqual(view(tree), view(sample.tree))
          const canonical = Result.getOrThrow(Flatten.canonicalize(sample.tree, Flatten.oci))
          assert.deepEqual(Image.digest(tree), Image.digest(canonical))
        }),
        { numRuns: 250 }
      ))
  }

  it.effect("reads what Layer.write makes of any tree", () =>
    Effect.gen(function*() {
      for (const { contents, tree } of fc.sample(sample, 60)) {
        const { bytes, info } = yield* Layer.toBytes(tree, {
          open: (digest) => Stream.make(contents.get(digest) ?? new Uint8Array(0))
        })
        // A whiteout of the tree is a whiteout in the layer, which hides nothing here.
        const found = yield* Tree.fromLayers([{
          mediaType: info.mediaType,
          content: Stream.make(bytes),
          diffId: info.diffId
        }])
        assert.strictEqual(found.layers[0]?.diffId, info.diffId)
        assert.deepEqual(view(found.tree), view(withoutWhiteouts(tree)))
      }
    }))

  it.effect("gives the same tree whatever the pieces in which layers arrive", () =>
    Effect.gen(function*() {
      for (const { layers } of fc.sample(history({ early: false }), 10)) {
        const whole = yield* flatten({ layers }, Flatten.oci)
        for (const size of [1, 511, 513]) {
          const pieces = yield* Tree.fromLayers(
            layers.map((items) => {
              const bytes = archive(items)
              return {
                mediaType,
                content: Stream.fromIterable(
                  Array.from(
                    { length: Math.ceil(bytes.length / size) },
                    (_, at) => bytes.subarray(at * size, (at + 1) * size)
                  )
                )
              }
            }),
            { inlineLimit: 200, using: FsVerity.sha256 }
          )
          assert.strictEqual(Dump.print(pieces.tree), Dump.print(whole.tree))
        }
      }
    }))
})

const withoutWhiteouts = (tree: Tree.Tree): Tree.Tree => ({ root: bare(tree.root) })

const bare = (directory: Tree.Tree["root"]): Tree.Tree["root"] => ({
  ...directory,
  entries: new Map(
    Array.from(directory.entries).flatMap(([name, node]) =>
      node._tag === "CharacterDevice" && node.rdev === 0
        ? []
        : [[name, node._tag === "Directory" ? bare(node) : node] as const]
    )
  )
})
