// How many manifests a second are parsed and checked on one core. The peer reads the same text with `yaml` alone:
// no schema, no checks, no places.
import { Manifest } from "@lamina/core/manifest/index"
import * as Result from "effect/Result"
import { contest, inProcess, report } from "lamina-bench"
import { readFileSync } from "node:fs"
import { parse } from "yaml"

const names = ["my-redis", "system-base", "security-hardening"]
const folder = new URL("../../../examples/modules/", import.meta.url)
const texts = names.map((name) => readFileSync(new URL(`${name}/manifest.yaml`, folder), "utf8"))
const count = 1000

const each = (read: (text: string) => void) => () => {
  for (let index = 0; index < count; index++) read(texts[index % texts.length] ?? "")
}

const measurements = await contest([
  inProcess(
    "@lamina/core Manifest.parse",
    each((text) => {
      if (Result.isFailure(Manifest.parse(text))) throw new Error("an example module's manifest was refused")
    }),
    2
  ),
  { ...inProcess("yaml parse, nothing checked", each((text) => void parse(text)), 2), isPeer: true }
])
report(`${count} manifests of ${texts.map(({ length }) => length).join(", ")} characters`, measurements)
for (const { name, seconds } of measurements) {
  console.log(`  ${name}: ${Math.round(count / seconds)} manifests a second`)
}
