/**
 * Which files a module ships: one evaluator, and the `rsync` filter that makes the real program choose the same.
 *
 * Rules are tried in order and the first one that covers a path decides; nothing covered means not selected. Without
 * neighbours the rules are the module's `mask` (exclude) and then its `fileSpec` (include).
 *
 * ```ts
 * import * as Result from "effect/Result"
 * import { FileSpec, ModuleSpecs } from "@lamina/core/specs/index"
 *
 * const spec = Result.getOrThrow(FileSpec.compile(ModuleSpecs.make({
 *   mask: ["/etc/redis/sentinel.conf"],
 *   fileSpec: ["/etc/redis", "/usr/lib/**\/*.so"]
 * })))
 * spec.selects("/etc/redis/redis.conf") // true
 * spec.explain("/etc/redis/sentinel.conf").message // "/etc/redis/sentinel.conf is left out by mask /etc/redis/sentinel.conf"
 * ```
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import * as EffectiveMask from "./EffectiveMask.ts"
import type { PathKind } from "./Glob.ts"
import * as GlobSet from "./GlobSet.ts"
import { isEntryName } from "./internal/PathNames.ts"
import * as RsyncFilter from "./internal/RsyncFilter.ts"
import { digestOf } from "./internal/Sha256.ts"
import type { ModuleSpecs, PatternList, SpecError } from "./ModuleSpecs.ts"
import { parseList, withinParent } from "./ModuleSpecs.ts"
import type { SpecRule } from "./SpecRule.ts"

/**
 * Why a path is selected or not; `rule` is absent where no rule covers it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Explanation {
  readonly selected: boolean
  readonly rule?: SpecRule
  readonly message: string
}

/**
 * One entry of a file tree; `path` is absolute from the module's root.
 *
 * @category models
 * @since 0.1.0
 */
export interface TreeEntry {
  readonly path: string
  readonly kind: PathKind
}

/**
 * A compiled selection.
 *
 * @category models
 * @since 0.1.0
 */
export interface FileSpec {
  readonly rules: ReadonlyArray<SpecRule>
  /** Whether the module ships the path (a `file` unless told otherwise). */
  readonly selects: (path: string, kind?: PathKind) => boolean
  /** Which rule decided, and a sentence about it. */
  readonly explain: (path: string, kind?: PathKind) => Explanation
  /** The selected entries and the directories above them, in the order given. */
  readonly filter: (tree: ReadonlyArray<TreeEntry>) => ReadonlyArray<TreeEntry>
  /** Whether anything below the directory can be selected; `false` lets a walk of a real tree leave it out. */
  readonly mayContain: (directory: string) => boolean
  /**
   * A filter file for `rsync --archive --prune-empty-dirs --filter='merge FILE' ROOT/ TARGET/`.
   *
   * Files are the same without `--prune-empty-dirs`; directories which lead to no selected file then remain. `rsync`
   * compares bytes: there `?` and `[!…]` stand for one byte, which is an ASCII character; `é` is two of them.
   */
  readonly toRsyncFilter: () => string
  /** `sha256:…` of the rules and the package list; the order of entries inside a list of a module is of no account. */
  readonly fingerprint: string
}

const sorted = (texts: ReadonlyArray<string>): ReadonlyArray<string> => [...new Set(texts)].sort()

type FingerprintedClaims = readonly [action: SpecRule["action"], patterns: ReadonlyArray<string>]

/** Claims in the order in which they are tried. Between those that follow each other and do the same it says nothing. */
const claimsIn = (rules: ReadonlyArray<SpecRule>): ReadonlyArray<FingerprintedClaims> => {
  const runs: Array<readonly [SpecRule["action"], Array<string>]> = []
  for (const { action, glob } of rules) {
    const last = runs.at(-1)
    if (last?.[0] === action) last[1].push(glob.pattern)
    else runs.push([action, [glob.pattern]])
  }
  return runs.map(([action, patterns]) => [action, sorted(patterns)])
}

const fingerprintOf = (rules: ReadonlyArray<SpecRule>, packageSpec: ReadonlyArray<string>): string => {
  const own = (list: PatternList) =>
    sorted(rules.filter((rule) => rule.list === list && rule.moduleName === undefined).map(({ glob }) => glob.pattern))
  const claims = claimsIn(rules.filter((rule) => rule.list === "protectedSpec" || rule.moduleName !== undefined))
  return digestOf(
    JSON.stringify({ mask: own("mask"), claims, fileSpec: own("fileSpec"), packages: sorted(packageSpec) })
  )
}

const explanationOf = (path: string, rule: SpecRule | undefined): Explanation => {
  if (rule === undefined) return { selected: false, message: `${path} is not selected: no pattern covers it` }
  const selected = rule.action === "include"
  const origin = rule.moduleName === undefined ? rule.list : `${rule.list} of ${rule.moduleName}`
  const message = `${path} is ${selected ? "selected" : "left out"} by ${origin} ${rule.glob.pattern}`
  return { selected, rule, message }
}

const parentOf = (path: string): string => path.slice(0, path.lastIndexOf("/"))

const fromRules = (rules: ReadonlyArray<SpecRule>, packageSpec: ReadonlyArray<string>): FileSpec => {
  const all = GlobSet.make(rules.map(({ glob }) => glob))
  const includes = GlobSet.make(rules.flatMap(({ action, glob }) => action === "include" ? [glob] : []))
  const ruleFor = (path: string, kind?: PathKind): SpecRule | undefined => rules[all.first(path, kind)]
  const selects = (path: string, kind?: PathKind): boolean => ruleFor(path, kind)?.action === "include"
  return {
    rules,
    selects,
    explain: (path, kind) => explanationOf(path, ruleFor(path, kind)),
    filter: (tree) => {
      const needed = new Set<string>()
      const chosen = tree.map(({ path, kind }) => selects(path, kind))
      for (const [index, { path }] of tree.entries()) {
        if (!chosen[index]) continue
        for (let up = parentOf(path); up !== "" && !needed.has(up); up = parentOf(up)) needed.add(up)
      }
      return tree.filter(({ path, kind }, index) => chosen[index] || (kind === "directory" && needed.has(path)))
    },
    mayContain: (directory) => {
      const first = rules.findIndex(({ action }) => action === "include")
      const rule = all.first(directory, "directory")
      // A rule before every include that covers the directory covers all of it, and nothing can win over that.
      return includes.mayCoverBelow(directory) && (rule < 0 || rule >= first)
    },
    toRsyncFilter: () => RsyncFilter.render(rules),
    fingerprint: fingerprintOf(rules, packageSpec)
  }
}

/**
 * Compiles the lists of a module, alone or beside the neighbours that an `EffectiveMask` was made for.
 *
 * @category constructors
 * @since 0.1.0
 */
export const compile = (specs: ModuleSpecs, mask?: EffectiveMask.EffectiveMask): Result.Result<FileSpec, SpecError> =>
  Result.gen(function*() {
    const excludes = mask?.rules ?? (yield* parseList(specs, "mask")).map((glob): SpecRule => ({
      action: "exclude",
      glob,
      list: "mask"
    }))
    const includes = (yield* parseList(specs, "fileSpec")).map((glob): SpecRule => ({
      action: "include",
      glob,
      list: "fileSpec"
    }))
    return fromRules([...excludes, ...includes], specs.packageSpec)
  })

/**
 * Compiles the lists of the module at `position` of a composition, whose modules are listed bottom to top: with its
 * `EffectiveMask`, and, if it is a child, inside its parent's window. A position without a module selects nothing.
 *
 * @category constructors
 * @since 0.1.0
 */
export const compileBeside = (
  modules: ReadonlyArray<EffectiveMask.MaskedModule>,
  position: number
): Result.Result<FileSpec, SpecError> =>
  Result.gen(function*() {
    const self = modules[position]
    if (self === undefined) return fromRules([], [])
    const parent = modules.find(({ moduleName }) => moduleName === self.parentModule)
    const specs = parent === undefined ? self.specs : (yield* withinParent(self.specs, parent.specs)).specs
    const mask = yield* EffectiveMask.compute(modules.with(position, { ...self, specs }), position)
    return yield* compile(specs, mask)
  })

/**
 * An entry of a host's own tree that a walk came to.
 *
 * @category models
 * @since 0.1.0
 */
export interface WalkedEntry<Node> extends TreeEntry {
  readonly node: Node
}

const notAName = (name: string, directory: string): RangeError =>
  new RangeError(
    `the listing of ${JSON.stringify(directory === "" ? "/" : directory)} has ${
      JSON.stringify(name)
    }, which is not a name`
  )

/**
 * Filters a nested tree: yields what is selected and the directories above it, parents first. A directory below which
 * nothing can be selected is not entered, so what is in it costs nothing.
 *
 * `childrenOf` gives the entries of a directory by name, and `undefined` for anything else: a `Map` of a tree in memory,
 * or what a host reads only when it is asked for. The root itself is not yielded. A listing that gives what cannot be
 * the name of an entry (nothing, `.`, `..`, or a text with a slash or NUL) is a defect of the host: the walk throws a
 * `RangeError` before it makes a path of it.
 *
 * ```ts
 * import * as Result from "effect/Result"
 * import { FileSpec, ModuleSpecs } from "@lamina/core/specs/index"
 *
 * type Node = string | Map<string, Node>
 * const root: Node = new Map([["etc", new Map([["hostname", "lamina"]])], ["proc", new Map()]])
 * const spec = Result.getOrThrow(FileSpec.compile(ModuleSpecs.make({ fileSpec: ["/etc/**"] })))
 * const walked = FileSpec.walk(spec, root, (node: Node) => typeof node === "string" ? undefined : node)
 * Array.from(walked, ({ path }) => path) // ["/etc", "/etc/hostname"]
 * ```
 *
 * @category filtering
 * @since 0.1.0
 */
export function* walk<Node>(
  spec: Pick<FileSpec, "selects" | "mayContain">,
  root: Node,
  childrenOf: (node: Node) => Iterable<readonly [name: string, node: Node]> | undefined
): Generator<WalkedEntry<Node>> {
  interface Level {
    readonly entry: WalkedEntry<Node> | undefined
    readonly path: string
    readonly rest: Iterator<readonly [string, Node]>
    isYielded: boolean
  }
  const levelOf = (entry: Level["entry"], children: Iterable<readonly [string, Node]>, isYielded: boolean): Level => ({
    entry,
    path: entry?.path ?? "",
    rest: children[Symbol.iterator](),
    isYielded
  })
  // A stack of its own, since a tree may be deeper than the one of the machine.
  const levels = spec.mayContain("/") ? [levelOf(undefined, childrenOf(root) ?? [], true)] : []
  for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
    const next = level.rest.next()
    if (next.done === true) {
      levels.pop()
      continue
    }
    const [name, node] = next.value
    if (!isEntryName(name)) throw notAName(name, level.path)
    const children = childrenOf(node)
    const path = `${level.path}/${name}`
    const entry: WalkedEntry<Node> = { path, kind: children === undefined ? "file" : "directory", node }
    const isSelected = spec.selects(path, entry.kind)
    if (isSelected) {
      for (const above of levels) {
        if (!above.isYielded && above.entry !== undefined) yield above.entry
        above.isYielded = true
      }
      yield entry
    }
    if (children !== undefined && spec.mayContain(path)) levels.push(levelOf(entry, children, isSelected))
  }
}
