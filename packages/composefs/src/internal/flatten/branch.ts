/** The nodes of an overlay: mutable, shared by their names. */
import * as Node from "../../Node.ts"

/**
 * How the entries of layers are laid on one another.
 *
 * @category models
 * @since 0.1.0
 */
export interface PathRules {
  /** Whether a whiteout spares what its own layer brought (the specification), or hides what came before it. */
  readonly whiteouts: "lower-layers" | "at-once"
  /** What becomes of an entry whose directory no layer has: the directory is implied, or the layer refused. */
  readonly missingParents: "create" | "refuse"
  /** Whether symbolic links on the way to an entry are followed, within the tree. */
  readonly symlinkedParents: "follow" | "refuse"
}

/**
 * A directory. `metadataOf` is the layer that gave it its metadata, `clearedBy` the last layer since which nothing of
 * lower layers is in it.
 */
export interface Branch {
  readonly _tag: "Branch"
  metadata: Node.Metadata
  metadataOf: number
  clearedBy: number
  readonly entries: Map<string, Entry>
}

/** Whatever is not a directory; its names share it. */
export interface Leaf {
  readonly _tag: "Leaf"
  inode: Exclude<Node.Inode, Node.Directory>
}

/** A name. `layer` is the last layer that put it here, or put something below it. */
export interface Entry {
  readonly child: Branch | Leaf
  layer: number
}

/** A directory no layer describes: 0755, owner 0:0, the epoch. */
export const implied: Node.Metadata = Node.directory()

export const newBranch = (metadata: Node.Metadata, layer: number): Branch => ({
  _tag: "Branch",
  metadata,
  metadataOf: layer,
  clearedBy: layer,
  entries: new Map()
})
