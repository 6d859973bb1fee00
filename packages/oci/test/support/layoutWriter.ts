// Pushes artifacts to a layout, as one of several processes: node layoutWriter.ts ROOT NAME COUNT
import { Artifact, LayoutRegistry } from "@lamina/oci"
import * as Effect from "effect/Effect"

const [root = "", name = "", count = "0"] = process.argv.slice(2)

await Effect.runPromise(Effect.gen(function*() {
  const registry = yield* LayoutRegistry.make({ root, durable: false })
  for (let index = 0; index < Number(count); index++) {
    const tag = `${name}-${index}`
    yield* Artifact.push(registry, "shared", { artifactType: "text/x", annotations: { tag }, tags: [tag] })
  }
}))
