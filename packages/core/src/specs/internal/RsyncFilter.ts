// Ordered rules as an rsync filter file. What rsync does with each line was measured, and a property test keeps the
// real program and the evaluator in step:
// * an include reaches nothing unless every directory above it is included too;
// * an exclude prunes a directory, unless an earlier line let the directory in, and then it must name the contents;
// * a `**` between slashes stands for one directory at least, and there are no braces;
// * `--prune-empty-dirs` drops the directories that were let in for nothing; "protect" keeps those which are selected.
import type { Glob } from "../Glob.ts"
import type { Alternative, Component, Token } from "./GlobSyntax.ts"

export interface Rule {
  readonly action: "include" | "exclude"
  readonly glob: Glob
}

interface Form {
  readonly components: ReadonlyArray<Component>
  readonly directoryOnly: boolean
}

const classText = (codePoint: number): string => {
  const character = String.fromCodePoint(codePoint)
  return /[\\\]^![-]/.test(character) ? `\\${character}` : character
}

const tokenText = (token: Token): string => {
  switch (token._tag) {
    case "Character":
      return String.fromCodePoint(token.codePoint).replace(/[\\*?[]/, "\\$&")
    case "Any":
      return "?"
    case "Star":
      return "*"
    case "Class": {
      const members = token.ranges.map(([low, high]) =>
        low === high ? classText(low) : `${classText(low)}-${classText(high)}`
      )
      return `[${token.negated ? "!" : ""}${members.join("")}]`
    }
  }
}

/** rsync takes a backslash for an escape only in a line that has a wildcard somewhere. */
const pathText = (components: ReadonlyArray<Component>, suffix: string): string => {
  const isWild = /[*?[]/.test(suffix) ||
    components.some((component) => component._tag !== "Literal" || /[*?[]/.test(component.text))
  const texts = components.map((component) => {
    if (component._tag === "Globstar") return "**"
    if (component._tag === "Wildcard") return component.tokens.map(tokenText).join("")
    return isWild ? component.text.replaceAll(/[\\*?[]/g, "\\$&") : component.text
  })
  return `/${texts.join("/")}${suffix}`
}

/** With and without each `**` in the middle, since in rsync it cannot stand for no directory. */
const formsOf = ({ components, directoryOnly }: Alternative): ReadonlyArray<Form> => {
  let forms: ReadonlyArray<ReadonlyArray<Component>> = [[]]
  for (const [index, component] of components.entries()) {
    const isOptional = component._tag === "Globstar" && index < components.length - 1
    forms = forms.flatMap((form) => isOptional ? [form, [...form, component]] : [[...form, component]])
  }
  return forms.map((form) => ({ components: form, directoryOnly }))
}

const coversContents = ({ components, directoryOnly }: Form): boolean =>
  components.at(-1)?._tag === "Globstar" && !directoryOnly

/** The lines that name what a form names, and what lies below it. */
const itself = (form: Form): string => pathText(form.components, form.directoryOnly ? "/" : "")
const contents = (form: Form): ReadonlyArray<string> => coversContents(form) ? [] : [pathText(form.components, "/**")]

const directories = (form: Form): ReadonlyArray<string> => [
  pathText(form.components, "/"),
  ...(coversContents(form) ? [] : [pathText(form.components, "/**/")])
]

const ancestors = (form: Form): ReadonlyArray<string> =>
  form.components.slice(0, -1).map((_, index) => pathText(form.components.slice(0, index + 1), "/"))

export const render = (rules: ReadonlyArray<Rule>): string => {
  const keptEmpty = new Set<string>()
  const lines = new Set<string>()
  let letIn = false
  for (const { action, glob } of rules) {
    for (const form of glob.alternatives.flatMap(formsOf)) {
      if (action === "include") {
        for (const directory of ancestors(form)) lines.add(`+ ${directory}`)
        for (const path of [itself(form), ...contents(form)]) lines.add(`+ ${path}`)
        for (const directory of directories(form)) keptEmpty.add(`P ${directory}`)
      } else {
        for (const path of [itself(form), ...(letIn ? contents(form) : [])]) lines.add(`- ${path}`)
        if (letIn) { for (const directory of directories(form)) keptEmpty.add(`R ${directory}`) }
      }
    }
    letIn ||= action === "include"
  }
  return [...keptEmpty, ...lines, "- *", ""].join("\n")
}
