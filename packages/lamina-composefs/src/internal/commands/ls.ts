import type * as Node from "@lamina/composefs/Node"
import * as Tree from "@lamina/composefs/Tree"
import * as Effect from "effect/Effect"
import { command } from "../command.ts"
import { printAll } from "../lines.ts"
import { escape } from "../names.ts"
import * as Source from "../source.ts"
import { sourceOptions } from "../sourceOptions.ts"
import { treeOf } from "../trees.ts"

export const ls = command({
  usage: "ls [OPTIONS] SOURCE...",
  about:
    `Lists the files of each SOURCE, with a tab and "@" before the object that holds a file's contents, "->" before the
target of a symbolic link: the output of composefs-info ls.`,
  options: sourceOptions,
  operands: { least: 1, most: 1000 },
  run: Effect.fnUntraced(function*(values, sources, io) {
    for (const text of sources) {
      yield* printAll(io, lines(yield* treeOf(yield* Source.open(text, io), values, io)))
    }
    return 0
  })
})

function* lines(tree: Tree.Tree): Generator<string> {
  for (const { node, path } of Tree.walk(tree)) {
    if (path !== "/") yield `${escape(path, "kept")}${mark(node)}\n`
  }
}

const mark = (node: Node.Node): string => {
  switch (node._tag) {
    case "Directory":
      return "/\t"
    case "Symlink":
      return `\t-> ${escape(node.target, "escaped")}`
    case "ExternalFile":
      return node.payload === undefined ? "" : `\t@ ${escape(node.payload, "escaped")}`
    default:
      return ""
  }
}
