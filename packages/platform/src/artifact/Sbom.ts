/**
 * The software bill of materials of a module, in CycloneDX: the packages it is built from and the files it ships.
 *
 * @since 0.1.0
 */

/**
 * The media type of a CycloneDX document in JSON.
 *
 * @category constants
 * @since 0.1.0
 */
export const mediaType = "application/vnd.cyclonedx+json"

/**
 * The predicate type under which the document is attested.
 *
 * @category constants
 * @since 0.1.0
 */
export const predicateType = "https://cyclonedx.org/bom"

/**
 * A file that a module ships: its absolute path and the SHA-256 of its content in hexadecimal. Architectures may ship
 * different contents under one path; each is a file of its own.
 *
 * @category models
 * @since 0.1.0
 */
export interface ShippedFile {
  readonly path: string
  readonly sha256: string
}

/**
 * What a bill of materials is made of.
 *
 * @category models
 * @since 0.1.0
 */
export interface Materials {
  readonly moduleName: string
  readonly versionString: string
  readonly description: string | undefined
  /** An SPDX expression. */
  readonly license: string | undefined
  /** Names of Debian packages; their versions are the builder's matter and not known from a specification. */
  readonly packages: ReadonlyArray<string>
  readonly files: ReadonlyArray<ShippedFile>
  /** Milliseconds since the epoch. */
  readonly builtAt: number | undefined
}

/**
 * Writes the document; the same materials give the same bytes, therefore there is no serial number.
 *
 * @category encoding
 * @since 0.1.0
 */
export const encode = (materials: Materials): Uint8Array => {
  const root = `module:${materials.moduleName}@${materials.versionString}`
  const packages = materials.packages.toSorted().map(packageComponent)
  const files = Array.from(
    new Map(materials.files.map((file) => [refOf(file), file])),
    ([ref, file]) => fileComponent(ref, file)
  ).toSorted((left, right) => left["bom-ref"] < right["bom-ref"] ? -1 : 1)
  const document = {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: {
      ...(materials.builtAt === undefined ? {} : { timestamp: new Date(materials.builtAt).toISOString() }),
      component: {
        type: "operating-system",
        "bom-ref": root,
        name: materials.moduleName,
        version: materials.versionString,
        ...(materials.description === undefined ? {} : { description: materials.description }),
        ...(materials.license === undefined ? {} : { licenses: [{ expression: materials.license }] })
      }
    },
    components: [...packages, ...files],
    dependencies: [{ ref: root, dependsOn: packages.map((component) => component["bom-ref"]) }]
  }
  return new TextEncoder().encode(`${JSON.stringify(document, undefined, 2)}\n`)
}

const packageComponent = (name: string) => {
  const purl = `pkg:deb/debian/${encodeURIComponent(name)}`
  return { type: "library", "bom-ref": purl, name, purl }
}

const refOf = ({ path, sha256 }: ShippedFile): string => `file:${path}?sha256=${sha256}`

const fileComponent = (ref: string, file: ShippedFile) => ({
  type: "file",
  "bom-ref": ref,
  name: file.path,
  hashes: [{ alg: "SHA-256", content: file.sha256 }]
})
