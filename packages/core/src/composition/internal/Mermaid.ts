// A plan as a Mermaid flowchart. Nothing of a plan's texts is ever syntax: nodes have numbers for names, and every text
// stands in quotes with all but letters, digits and a few harmless signs written as character codes.
import type { CompositionPlan, Layer } from "../Composition.ts"
import type { CompositionConflict } from "../CompositionConflict.ts"
import { finder } from "./NamedModules.ts"
import { printable } from "./Terminal.ts"

const maximumTextLength = 200

/** Words that Mermaid's lexer looks for, some of them (`direction LR`) even inside of quotes. */
const keyword =
  /\b(?=accDescr|accTitle|call|class|click|default|direction|end|flowchart|graph|href|linkStyle|style|subgraph)/g

const harmless = /[A-Za-z0-9 ._/@,()…→-]/

const code = (character: string): string => `#${character.codePointAt(0) ?? 0};`

/**
 * Codes are written as Mermaid has them, `#35;` for `#`. The colon is one as well: Mermaid takes a `;` away which follows
 * `style`, a colon and a `#`, wherever they stand in a line.
 */
const quoted = (text: string): string => {
  const clean = printable(text.length > maximumTextLength ? `${text.slice(0, maximumTextLength)}…` : text)
  const keywords = new Set(Array.from(clean.matchAll(keyword), ({ index }) => index))
  let coded = ""
  for (let index = 0; index < clean.length; index++) {
    const character = String.fromCodePoint(clean.codePointAt(index) ?? 0)
    coded += harmless.test(character) && !keywords.has(index) ? character : code(character)
    index += character.length - 1
  }
  return `"${coded || " "}"`
}

type Identify = (moduleName: string) => string | undefined

interface Band {
  readonly category: string
  readonly layers: ReadonlyArray<Layer>
}

/** Neighbours of one category. */
const bandsOf = (layers: ReadonlyArray<Layer>): ReadonlyArray<Band> => {
  const bands: Array<{ category: string; layers: Array<Layer> }> = []
  for (const layer of layers) {
    const last = bands.at(-1)
    if (last?.category === layer.category) last.layers.push(layer)
    else bands.push({ category: layer.category, layers: [layer] })
  }
  return bands
}

const labelOf = (layer: Layer): string =>
  [
    `${layer.moduleName} ${layer.versionString}`,
    String(layer.effectivePriority),
    ...(layer.variety === "subscription" ? [] : [layer.variety]),
    ...(layer.rebootRequired ? ["needs a reboot"] : [])
  ].join(", ")

const bandLines = (bands: ReadonlyArray<Band>, idOf: Identify): ReadonlyArray<string> =>
  bands.flatMap(({ category, layers }, index) => [
    `  subgraph band${index}[${quoted(category)}]`,
    ...layers.map((layer) => `    ${idOf(layer.moduleName)}[${quoted(labelOf(layer))}]`),
    "  end"
  ])

const stackLines = (layers: ReadonlyArray<Layer>, idOf: Identify): ReadonlyArray<string> =>
  layers.slice(1).map((layer, below) => `  ${idOf(layers[below]?.moduleName ?? "")} === ${idOf(layer.moduleName)}`)

const parentLines = (layers: ReadonlyArray<Layer>, idOf: Identify): ReadonlyArray<string> =>
  layers.flatMap(({ moduleName, parentModule, variety }) => {
    const parent = parentModule === undefined ? undefined : idOf(parentModule)
    return parent === undefined ? [] : [`  ${idOf(moduleName)} -. ${quoted(`${variety} of`)} .-> ${parent}`]
  })

const requirementLines = (layers: ReadonlyArray<Layer>, idOf: Identify): ReadonlyArray<string> => {
  const find = finder(layers)
  return layers.flatMap(({ dependencies, moduleName }) =>
    [...dependencies.requires, ...dependencies.recommends].flatMap((requirement) => {
      const other = find(requirement)
      if (other === undefined) return []
      const verb = dependencies.requires.includes(requirement) && !requirement.optional ? "requires" : "recommends"
      return [
        `  ${idOf(moduleName)} -->|${quoted(`${verb} ${requirement.version ?? ""}`.trim())}| ${idOf(other.moduleName)}`
      ]
    })
  )
}

interface ConflictLine {
  readonly modules: ReadonlyArray<string>
  readonly text: string
  readonly severity: CompositionConflict["severity"]
}

/** One line for all conflicts of one kind between the same modules. */
const conflictsBetween = (conflicts: ReadonlyArray<CompositionConflict>): ReadonlyArray<ConflictLine> => {
  const groups = new Map<string, Array<CompositionConflict>>()
  for (const conflict of conflicts) {
    const key = JSON.stringify([conflict._tag, conflict.severity, conflict.modules])
    const known = groups.get(key)
    if (known === undefined) groups.set(key, [conflict])
    else known.push(conflict)
  }
  return [...groups.values()].flatMap((group) => {
    const [first] = group
    if (first === undefined) return []
    const text = group.length === 1 ? first.message : `${first.message}, and ${group.length - 1} more`
    return [{ modules: first.modules, text: `${first.severity}, ${text}`, severity: first.severity }]
  })
}

/** Between two layers that are drawn it is a line; anything else is a note at the layers concerned. */
const conflictLines = (conflicts: ReadonlyArray<ConflictLine>, idOf: Identify): ReadonlyArray<string> =>
  conflicts.flatMap(({ modules, text }, index) => {
    const [one, other, ...more] = modules.flatMap((name) => idOf(name) ?? [])
    if (one !== undefined && other !== undefined && more.length === 0) {
      return [`  ${one} x--x|${quoted(text)}| ${other}`]
    }
    const note = `conflict${index}`
    const concerned = [one, other, ...more].flatMap((id) => id ?? [])
    return [`  ${note}{{${quoted(text)}}}`, ...concerned.map((id) => `  ${note} --x ${id}`)]
  })

const marked = (conflicts: ReadonlyArray<ConflictLine>, severity: string, idOf: Identify): ReadonlySet<string> =>
  new Set(
    conflicts.filter((conflict) => conflict.severity === severity)
      .flatMap(({ modules }) => modules.flatMap((name) => idOf(name) ?? []))
  )

const classLines = (conflicts: ReadonlyArray<ConflictLine>, idOf: Identify): ReadonlyArray<string> => {
  const errors = marked(conflicts, "error", idOf)
  const warnings = [...marked(conflicts, "warning", idOf)].filter((id) => !errors.has(id))
  return [
    ...(errors.size === 0
      ? []
      : ["  classDef error stroke:#c00,stroke-width:3px", `  class ${[...errors].join(",")} error`]),
    ...(warnings.length === 0
      ? []
      : ["  classDef warning stroke:#c80,stroke-width:2px", `  class ${warnings.join(",")} warning`])
  ]
}

export const drawPlan = ({ conflicts, layers }: CompositionPlan): string => {
  const ids = new Map(layers.map(({ moduleName }, index) => [moduleName, `layer${index}`]))
  const idOf: Identify = (moduleName) => ids.get(moduleName)
  const drawn = conflictsBetween(conflicts)
  return [
    "flowchart BT",
    ...bandLines(bandsOf(layers), idOf),
    ...stackLines(layers, idOf),
    ...parentLines(layers, idOf),
    ...requirementLines(layers, idOf),
    ...conflictLines(drawn, idOf),
    ...classLines(drawn, idOf),
    ""
  ].join("\n")
}
