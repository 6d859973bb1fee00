/**
 * What overlayfs must find in an image (reference §3.2; lcfs-writer-erofs.c, "rewrite tree for erofs"): attributes and
 * whiteouts that the tree itself has are escaped, so that they come out of the composefs mount instead of steering it,
 * and the root hides the directories of the object store below.
 */
import * as ByteString from "../byteString.ts"
import { fileType } from "../fileType.ts"
import { XattrBudget, xattrBudgetProblem } from "../limits.ts"
import { type AttributeSet, noAttributes } from "../table/attributeTable.ts"
import { type EntryTable, rootEntry } from "../table/entryTable.ts"
import type { Unwritable } from "./nodeProblem.ts"

export const overlayPrefix = "trusted.overlay."
export const escapedPrefix = "trusted.overlay.overlay."
export const metacopyName = "trusted.overlay.metacopy"
export const redirectName = "trusted.overlay.redirect"
export const opaqueName = "trusted.overlay.opaque"

/** Marks a regular file that stands for a whiteout, and the directory it is in. */
export const whiteoutMarks = ["trusted.overlay.overlay.whiteout", "user.overlay.whiteout"] as const
export const whiteoutsMarks = ["trusted.overlay.overlay.whiteouts", "user.overlay.whiteouts"] as const
/** From format version 1 on, a directory with whiteouts also says so in the way that kernels before 6.8 skip. */
export const opaqueMarks = ["trusted.overlay.overlay.opaque", "user.overlay.opaque"] as const

/** With one of these in it, an image says so in its header, or a mount would not enforce them. */
export const aclNames = ["system.posix_acl_access", "system.posix_acl_default"] as const

const stubNameSize = 2

const selinuxName = "security.selinux"

/** Rewrites the entries of a table in place: afterwards it holds what the image shows. */
export const rewriteForOverlay = (table: EntryTable, version: number): Unwritable | undefined => {
  const overlay = new Overlay(table, version)
  return overlay.escapeAttributes() ?? overlay.markWhiteouts() ?? overlay.hideObjectStore()
}

/** Attributes that are set on top of those of the tree. */
interface Marks {
  readonly attributes: ReadonlyArray<number>
  /** The sets with these marks, by the set without. */
  readonly known: Map<number, number>
}

class Overlay {
  readonly #table: EntryTable
  readonly #whiteout: Marks
  readonly #whiteouts: Marks

  constructor(table: EntryTable, version: number) {
    this.#table = table
    this.#whiteout = this.#marks(whiteoutMarks.map((name) => [name, ""]))
    this.#whiteouts = this.#marks([
      ...whiteoutsMarks.map((name) => [name, ""] as const),
      ...version >= 1 ? opaqueMarks.map((name) => [name, "x"] as const) : []
    ])
  }

  /** Gives every inode its attributes as they are stored: escaped, and sorted by name. */
  escapeAttributes(): undefined {
    const { count, xattrs } = this.#table
    const stored: Array<number> = [noAttributes]
    for (let entry = 0; entry < count; entry++) {
      const set = xattrs[entry] ?? noAttributes
      if (set !== noAttributes) xattrs[entry] = stored[set] ??= this.#escape(set)
    }
  }

  /** Makes regular files of whiteouts, and marks them and their directories. */
  markWhiteouts(): Unwritable | undefined {
    const table = this.#table
    const directories = new Set<number>()
    for (let entry = 0; entry < table.count; entry++) {
      if (!table.isWhiteout(entry)) continue
      table.mode[entry] = fileType.regular | ((table.mode[entry] ?? 0) & 0o7777)
      table.size[entry] = 0
      directories.add(table.directoryOf(entry))
      const problem = this.#mark(entry, this.#whiteout)
      if (problem !== undefined) return problem
    }
    for (const directory of directories) {
      const problem = this.#mark(directory, this.#whiteouts)
      if (problem !== undefined) return problem
    }
    return undefined
  }

  /** Makes the root opaque, and adds stubs of the names that the object store has in its root. */
  hideObjectStore(): undefined {
    const { attributes } = this.#table
    const own = this.#setOf(rootEntry)
    this.#table.xattrs[rootEntry] = this.#addSorted([...own, this.#attribute(opaqueName, "y")])
    const label = attributes.addSet(own.filter((attribute) => attributes.nameOf(attribute) === selinuxName))
    const taken = this.#namesInRoot(stubNameSize)
    for (let byte = 0; byte < 256; byte++) {
      const name = byte.toString(16).padStart(stubNameSize, "0")
      if (!taken.has(name)) this.#addStub(name, label)
    }
  }

  /** The names of a size that the root has: for these few, indexing all names of the tree would not pay. */
  #namesInRoot(size: number): ReadonlySet<string> {
    const { count, names: { from, owner, to } } = this.#table
    const found = new Set<string>()
    for (let entry = rootEntry + 1; entry < count; entry++) {
      const isHere = owner[entry] === rootEntry && (to[entry] ?? 0) - (from[entry] ?? 0) === size
      if (isHere) found.add(this.#table.nameText(entry))
    }
    return found
  }

  #addStub(name: string, label: number): void {
    const table = this.#table
    const from = table.arena.append(ByteString.toArray(name), 0, name.length)
    const stub = table.addNew(rootEntry, from, from + name.length)
    table.mode[stub] = fileType.characterDevice | 0o644
    table.nlink[stub] = 1
    table.xattrs[stub] = label
    table.copyOwnerAndTime(rootEntry, stub)
  }

  #escape(set: number): number {
    const { attributes } = this.#table
    return this.#addSorted((attributes.sets[set] ?? []).map((attribute) => {
      const name = attributes.nameOf(attribute)
      return name.startsWith(overlayPrefix)
        ? attributes.renamed(attribute, escapedPrefix + name.slice(overlayPrefix.length))
        : attribute
    }))
  }

  #mark(entry: number, marks: Marks): Unwritable | undefined {
    const set = this.#table.xattrs[entry] ?? noAttributes
    const marked = marks.known.get(set) ?? this.#withMarks(set, marks)
    if (marked === undefined) return { path: this.#table.pathText(entry), problem: xattrBudgetProblem }
    marks.known.set(set, marked)
    this.#table.xattrs[entry] = marked
    return undefined
  }

  /** A set with marks, or undefined where they do not fit. */
  #withMarks(set: number, marks: Marks): number | undefined {
    const { attributes } = this.#table
    const byName = new Map((attributes.sets[set] ?? []).map((attribute) => [attributes.nameOf(attribute), attribute]))
    // The marks are set on a copy of the node, whose count starts from zero again.
    const budget = new XattrBudget()
    for (const mark of marks.attributes) {
      const name = attributes.nameOf(mark)
      const replaced = byName.get(name)
      const others = byName.size - (replaced === undefined ? 0 : 1)
      const replacedSize = replaced === undefined ? undefined : attributes.valueSize(replaced)
      if (!budget.set(name, attributes.valueSize(mark), others, replacedSize)) return undefined
      byName.set(name, mark)
    }
    return this.#addSorted([...byName.values()])
  }

  #setOf(entry: number): AttributeSet {
    return this.#table.attributes.sets[this.#table.xattrs[entry] ?? noAttributes] ?? []
  }

  #addSorted(set: Array<number>): number {
    const { attributes } = this.#table
    return attributes.addSet(
      set.sort((left, right) => ByteString.compare(attributes.nameOf(left), attributes.nameOf(right)))
    )
  }

  #marks(values: ReadonlyArray<readonly [name: string, value: string]>): Marks {
    return { attributes: values.map(([name, value]) => this.#attribute(name, value)), known: new Map() }
  }

  #attribute(name: string, value: string): number {
    const { attributes } = this.#table
    return attributes.attributeOf(attributes.name(name), ByteString.toArray(value))
  }
}
