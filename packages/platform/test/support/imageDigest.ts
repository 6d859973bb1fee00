/** Prints the composefs digest of an image in a registry, and what memory it took: `URL REPOSITORY REFERENCE`. */
import { Flatten, Image as ComposefsImage, Tree } from "@lamina/composefs"
import { HttpRegistry, Image } from "@lamina/oci"
import * as Effect from "effect/Effect"

const [url = "", repository = "", reference = ""] = process.argv.slice(2)

const program = Effect.gen(function*() {
  const registry = yield* HttpRegistry.make({ url })
  const image = yield* Image.resolve(registry, repository, reference, { platform: { architecture: "amd64" } })
  const { layers, tree } = yield* Tree.fromLayers(image.layers, { flatten: Flatten.composefsRs })
  const digest = yield* Effect.fromResult(ComposefsImage.digest(tree, { minVersion: 1 }))
  return { digest, layers: layers.length, maxRss: process.resourceUsage().maxRSS * 1024 }
}).pipe(Effect.scoped)

process.stdout.write(JSON.stringify(await Effect.runPromise(program)))
