import { assert, describe, it } from "@effect/vitest"
import { Composition } from "@lamina/core/composition/index"
import { Build } from "@lamina/core/testing"
import * as fc from "fast-check"

// The part of Mermaid's flowchart grammar that drawings use, and nothing beyond it. Drawings of hostile plans were also
// given to Mermaid's own parser, which needs a browser's document and is too heavy for a dependency.
const text = String.raw`"((?:[A-Za-z0-9 ._/@,()…→-]|#\d+;)+)"`
const node = String.raw`((?:layer|conflict)\d+)`
const statements = {
  header: /^flowchart BT$/,
  band: new RegExp(`^  subgraph (band\\d+)\\[${text}\\]$`),
  layer: new RegExp(`^    (layer\\d+)\\[${text}\\]$`),
  bandEnd: /^ {2}end$/,
  stacked: new RegExp(`^  ${node} === ${node}$`),
  child: new RegExp(`^  ${node} -\\. ${text} \\.-> ${node}$`),
  requirement: new RegExp(`^  ${node} -->\\|${text}\\| ${node}$`),
  conflict: new RegExp(`^  ${node} x--x\\|${text}\\| ${node}$`),
  note: new RegExp(`^  (conflict\\d+)\\{\\{${text}\\}\\}$`),
  concerned: new RegExp(`^  ${node} --x ${node}$`),
  style: /^ {2}classDef (?:error|warning) stroke:#c[08]0,stroke-width:[23]px$/,
  marked: /^ {2}class layer\d+(?:,layer\d+)* (?:error|warning)$/
}

interface Statement {
  readonly kind: string
  readonly parts: ReadonlyArray<string>
}

const parse = (drawing: string): ReadonlyArray<Statement> =>
  drawing.trimEnd().split("\n").map((line) => {
    const [found] = Object.entries(statements).flatMap(([kind, pattern]) => {
      const match = pattern.exec(line)
      return match === null ? [] : [{ kind, parts: match.slice(1) }]
    })
    return found ?? assert.fail(`no statement: ${line}`)
  })

const decoded = (label: string): string => label.replaceAll(/#(\d+);/g, (_, code) => String.fromCodePoint(Number(code)))

const base = Build.module("system-base", {
  category: "system-base",
  rebootRequired: true,
  files: ["/etc/passwd"],
  specs: { protectedSpec: ["/etc/passwd"] }
})

describe("Composition.toMermaid", () => {
  it("draws layers by category, children, requirements and conflicts", () => {
    const { plan } = Build.template([
      base,
      Build.module("my-redis", { requires: ["system-base@^1.0"] }),
      Build.module("redis-config", { variety: "config", parentModule: "my-redis", priority: 3 }),
      Build.module("evil", { files: ["/etc/passwd"], requires: ["ghost"] })
    ])
    assert.strictEqual(
      Composition.toMermaid(plan),
      `flowchart BT
  subgraph band0["system-base"]
    layer0["system-base 1.0.0, 10000, needs a reboot"]
  end
  subgraph band1["userland"]
    layer1["evil 1.0.0, 90000"]
    layer2["my-redis 1.0.0, 90000"]
    layer3["redis-config 1.0.0, 90003, config"]
  end
  layer0 === layer1
  layer1 === layer2
  layer2 === layer3
  layer3 -. "config of" .-> layer2
  layer2 -->|"requires #94;1.0"| layer0
  conflict0{{"error, evil requires ghost, which is not in the composition"}}
  conflict0 --x layer1
  layer1 x--x|"error, evil ships /etc/passwd, which system-base protects"| layer0
  classDef error stroke:#c00,stroke-width:3px
  class layer1,layer0 error
`
    )
  })

  it("draws one line for all paths that two layers quarrel about", () => {
    const files = Array.from({ length: 300 }, (_, index) => `/opt/${index}`)
    const specs = { fileSpec: ["/opt/**"] }
    const { plan } = Build.template([Build.module("a", { files, specs }), Build.module("b", { files, specs })])
    const conflicts = parse(Composition.toMermaid(plan)).filter(({ kind }) => kind === "conflict")
    assert.deepStrictEqual(conflicts.map(({ parts }) => decoded(parts[1] ?? "")), [
      "error, b and a claim /opt/0 equally, and the lower layer a owns it, and 299 more"
    ])
  })

  it("draws nothing for nothing", () => {
    assert.strictEqual(Composition.toMermaid(Composition.plan([], "amd64")), "flowchart BT\n")
  })

  it("keeps a name from being a statement: Mermaid takes a direction even inside of quotes", () => {
    const plan = Composition.plan([{ ...Build.assignment("x"), moduleName: "direction LR" }], "amd64")
    assert.include(Composition.toMermaid(plan), `["#100;irection LR 1.0.0, 90000"]`)
  })

  it("is a drawing whatever things are called, and says what they are called", () => {
    const syntax = [
      "end",
      "\"]",
      "direction LR",
      "style x:#a;",
      "`**b**`",
      "%%{init: {}}%%",
      "<b>",
      "\n",
      "-->|",
      "é",
      "🙂"
    ]
    const name = fc.oneof(
      fc.string(),
      fc.array(fc.constantFrom(...syntax), { minLength: 1, maxLength: 4 }).map((of) => of.join(" "))
    )
    const plan = fc.tuple(fc.uniqueArray(name, { minLength: 1, maxLength: 5 }), name).map(([names, category]) =>
      Composition.plan(
        names.map((moduleName, index) => ({
          ...Build.assignment("x", { files: ["/a"], specs: { fileSpec: ["/a"] }, provides: ["c"], priority: index }),
          moduleName,
          category,
          parentModule: names[0] ?? "",
          dependencies: {
            requires: [{ name: names[0] ?? "", version: category, optional: false }],
            recommends: [],
            conflicts: [],
            provides: ["c"]
          }
        })),
        "amd64"
      )
    )
    fc.assert(
      fc.property(plan, (of) => {
        const drawing = parse(Composition.toMermaid(of))
        const layers = drawing.filter(({ kind }) => kind === "layer")
        assert.strictEqual(layers.length, of.layers.length)
        for (const [index, { parts: [, label] }] of layers.entries()) {
          const shown = (of.layers[index]?.moduleName ?? "").replaceAll("\n", "\\u{a}")
          assert.isTrue(decoded(label ?? "").startsWith(shown), shown)
        }
        const drawn = new Set(
          drawing.flatMap(({ kind, parts }) => kind === "layer" || kind === "note" ? [parts[0]] : [])
        )
        for (const { kind, parts } of drawing) {
          const ends = { stacked: [0, 1], child: [0, 2], requirement: [0, 2], conflict: [0, 2], concerned: [0, 1] }
          for (const end of Object.entries(ends).find(([of]) => of === kind)?.[1] ?? []) {
            assert.isTrue(drawn.has(parts[end]), `${kind} ${parts[end]}`)
          }
        }
      }),
      { numRuns: 1000 }
    )
  })
})
