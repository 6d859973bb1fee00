/**
 * What the layers of an image mean: the rules by which they become one tree.
 *
 * Two tools that flatten the same layers to the same image digest agree on every rule here. The sets of rules are
 * plain data: vary one with `{ ...Flatten.composefsRs, xattrs: "all" }`.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import type { PathRules } from "./internal/flatten/branch.ts"
import { applyRules, type Emptied, type TreeRules } from "./internal/flatten/canonicalize.ts"
import { FlattenError } from "./internal/flatten/flattenError.ts"
import type { FlattenedLayers, LayersOptions, LayerSource, LayerSummary } from "./internal/flatten/flattenLayers.ts"
import { freeze, thaw } from "./internal/flatten/freeze.ts"
import type { Tree } from "./Tree.ts"

export type { Emptied, FlattenedLayers, LayersOptions, LayerSource, LayerSummary, PathRules, TreeRules }
export { FlattenError }

/**
 * All rules: how the entries of layers are laid on one another, and what is then done with the whole tree.
 *
 * @category models
 * @since 0.1.0
 */
export interface Rules extends PathRules, TreeRules {}

/**
 * What the OCI image specification and container runtimes make of layers, and nothing more. Whiteouts hide only what
 * lower layers brought, wherever in their layer they stand. A directory that no layer describes is 0755 of owner 0:0
 * at the epoch. Symbolic links on the way to an entry are followed within the tree.
 *
 * @category rules
 * @since 0.1.0
 */
export const oci: Rules = {
  whiteouts: "lower-layers",
  missingParents: "create",
  symlinkedParents: "follow",
  root: "as-found",
  emptied: [],
  xattrs: "all",
  selinuxPolicy: "ignore"
}

/**
 * What composefs-rs makes of layers (`cfsctl oci compute-id`). The root has the metadata of `/usr`, `/run` is empty,
 * and of the extended attributes only `security.capability` is left. Layers that composefs-rs cannot take, with
 * missing or linked parent directories, are refused.
 *
 * @category rules
 * @since 0.1.0
 */
export const composefsRs: Rules = {
  whiteouts: "at-once",
  missingParents: "refuse",
  symlinkedParents: "refuse",
  root: "like-usr",
  emptied: [{ path: "/run", isRequired: false }],
  xattrs: ["security.capability"],
  selinuxPolicy: "ignore"
}

/**
 * The same with `user.*` attributes (`cfsctl oci compute-id --xattrs keep-user-xattrs`).
 *
 * @category rules
 * @since 0.1.0
 */
export const composefsRsUserXattrs: Rules = { ...composefsRs, xattrs: ["security.capability", "user."] }

/**
 * What composefs-rs makes of a bootable image (`cfsctl oci compute-id --bootable`): `/boot` and `/sysroot` have to be
 * there and are emptied. An image with a SELinux policy is refused: composefs-rs labels it, which is not supported.
 *
 * @category rules
 * @since 0.1.0
 */
export const composefsRsBoot: Rules = {
  ...composefsRs,
  emptied: [
    ...composefsRs.emptied,
    { path: "/boot", isRequired: true },
    { path: "/sysroot", isRequired: true }
  ],
  selinuxPolicy: "refuse"
}

/**
 * Applies rules to a tree from elsewhere: the scan of a mounted image becomes the tree of its layers. Link counts
 * become what the tree says, inodes go to the first of their names, and a hard link to no file is left out.
 *
 * **Example**
 *
 * ```ts
 * import { Flatten, Node } from "@lamina/composefs"
 * import * as Result from "effect/Result"
 *
 * const usr = Node.directory({}, { mode: 0o700 })
 * const run = Node.directory({ lock: Node.inlineFile("") })
 * const tree = Result.getOrThrow(Flatten.canonicalize({ root: Node.directory({ run, usr }) }, Flatten.composefsRs))
 * console.log(tree.root.mode === 0o700) // => true
 * ```
 *
 * @category transformation
 * @since 0.1.0
 */
export const canonicalize = (tree: Tree, rules: TreeRules): Result.Result<Tree, FlattenError> => {
  const root = thaw(tree)
  const reason = applyRules(root, rules)
  return reason === undefined
    ? Result.succeed(freeze(root))
    : Result.fail(new FlattenError({ reason: { _tag: "Unsuitable", ...reason } }))
}
