/** Trees of OCI images, wherever these are. */
import * as Flatten from "@lamina/composefs/Flatten"
import type * as ObjectStore from "@lamina/composefs/ObjectStore"
import * as Tree from "@lamina/composefs/Tree"
import * as Image from "@lamina/oci/Image"
import type { Registry } from "@lamina/oci/Registry"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { Misuse } from "../failure.ts"
import type { Io } from "../io.ts"
import { counting } from "../progress.ts"
import type { SourceValues } from "../sourceOptions.ts"

/** An image that is known by name, in a place where it can be read. */
export interface Located {
  readonly registry: Registry
  readonly repository: string
  readonly version: string
}

/** Reads the layers of an image, base first, into one tree; contents go to the store, if there is one. */
export const flatten = Effect.fnUntraced(function*(
  { registry, repository, version }: Located,
  values: SourceValues,
  io: Io,
  objects?: ObjectStore.ObjectStore
) {
  const image = yield* Image.resolve(registry, repository, version, { platform: yield* platformOf(values.platform) })
  let size = 0
  return yield* counting(io, "bytes of layers", (show) =>
    Tree.fromLayers(
      image.layers.map((layer) => ({
        ...layer,
        content: Stream.tap(layer.content, (chunk) => Effect.sync(() => show(size += chunk.length)))
      })),
      { flatten: rules[values.flatten ?? "oci"], objects }
    ))
})

const rules = {
  oci: Flatten.oci,
  "composefs-rs": Flatten.composefsRs,
  "composefs-rs-user-xattrs": Flatten.composefsRsUserXattrs,
  "composefs-rs-boot": Flatten.composefsRsBoot
} as const

const platformOf = (text: string | undefined): Effect.Effect<Image.PlatformChoice | undefined, Misuse> => {
  if (text === undefined) return Effect.undefined
  const [, os, architecture, variant] = /^([a-z0-9]+)\/([a-z0-9_]+)(?:\/([a-z0-9.]+))?$/.exec(text) ?? []
  return os === undefined
    ? Effect.fail(
      new Misuse({ problem: `--platform: expected OS/ARCHITECTURE[/VARIANT], got ${JSON.stringify(text)}` })
    )
    : Effect.succeed({ os, architecture, variant })
}
