// Writes what is made of the manifest's schema: manifest.schema.json and docs/manifest.md.
import { writeFileSync } from "node:fs"
import { manifestReference, manifestSchema } from "./ManifestReference.ts"

writeFileSync(new URL("../manifest.schema.json", import.meta.url), manifestSchema())
writeFileSync(new URL("../../../docs/manifest.md", import.meta.url), manifestReference())
