import { assert, describe, it } from "@effect/vitest"
import { ManifestSeed, ModuleVersion } from "@lamina/core"
import { LayerService } from "@lamina/core/composition/index"
import * as Schema from "effect/Schema"

const manifest = `schema_version: 1
name: my-redis
file_spec: ["/usr/bin/redis-server"]
services:
  - name: redis
    start_command: redis-server
    env: { constructor: a, PORT: "6379" }
    exposed_ports: [{ port: 6379, protocol: tcp }]
    health: { endpoint: /health }
    metadata: { team: data }
`

describe("ManifestSeed.servicesOf", () => {
  const read = ManifestSeed.servicesOf(manifest)

  it("leaves out the metadata, which are the host's own", () => {
    assert.deepStrictEqual(read.map((service) => Object.keys(service).includes("metadata")), [false])
  })

  it("reads from a manifest what a row of the version keeps of it", () => {
    const { services } = ModuleVersion.ModuleVersion.fields
    const stored = Schema.decodeSync(services)(Schema.encodeSync(services)(read)) ?? []
    assert.deepStrictEqual(stored.map(({ env, name }) => [name, env]), [["redis", { constructor: "a", PORT: "6379" }]])
    assert.deepStrictEqual(
      read.map((service, index) => LayerService.differences(service, stored[index] ?? { name: "" })),
      [[]]
    )
  })

  it("leaves rows readable that were stored before services were kept", () => {
    const { services } = ModuleVersion.ModuleVersion.fields
    assert.deepStrictEqual(Schema.decodeSync(Schema.Struct({ services }))({}), {})
  })

  it("has none of a text that is no manifest", () => {
    assert.deepStrictEqual(ManifestSeed.servicesOf("name: ["), [])
  })
})
