/** Limits of the composefs image format (libcomposefs), shared by all who read or write it. */
import type { ByteString } from "./byteString.ts"

/** Bytes a file may carry inside the image. */
export const maxInlineSize = 5000

/** A file up to this size goes inline by convention (LCFS_RECOMMENDED_INLINE_CONTENT_MAX). */
export const recommendedInlineSize = 64

/** Larger files would need more than 1024 chunks of 2^43 bytes. */
export const maxFileSize = 2 ** 53

/** A link target stays below PATH_MAX. */
export const maxTargetSize = 4095

/** Why a symbolic link cannot lead to `target`, if it cannot. */
export const targetProblem = (target: ByteString): string | undefined =>
  target.length === 0
    ? "a symbolic link without a target"
    : target.length > maxTargetSize
    ? `the target of a symbolic link has ${target.length} bytes, at most ${maxTargetSize} are allowed`
    : target.includes("\0")
    ? "the target of a symbolic link contains a NUL byte"
    : undefined

export const maxXattrNameSize = 255
export const maxXattrValueSize = 65535

/** What all attributes of an inode may cost together; see {@link XattrBudget}. */
const xattrBudget = 32767
const xattrHeaderSize = 12
const xattrEntryOverhead = 7

/**
 * The budget of an inode's attributes, counted as libcomposefs counts: 12 bytes for the first attribute, and for each
 * its name, its value and 7 bytes (twice the entry header less one, the worst padding).
 */
export class XattrBudget {
  #spent = 0

  /** Accounts for `name` in place of a `replaced` value, among `others`; false when that exceeds the budget. */
  set(name: string, valueSize: number, others: number, replacedSize: number | undefined): boolean {
    if (replacedSize !== undefined) {
      this.#spent = others === 0 ? 0 : this.#spent - (xattrEntryOverhead + name.length + replacedSize)
    }
    const cost = xattrEntryOverhead + name.length + valueSize + (others === 0 ? xattrHeaderSize : 0)
    // A replaced value may not have been accounted for (an image is written from a copy whose count starts at zero):
    // libcomposefs then falls below zero, which its unsigned counter takes for too much.
    if (this.#spent + cost < 0 || this.#spent + cost > xattrBudget) return false
    this.#spent += cost
    return true
  }
}

/** Why an attribute cannot be stored, if it cannot; `name` and the value's size in bytes. */
export const xattrProblem = (name: string, valueSize: number): string | undefined =>
  name.length === 0
    ? "the name of an extended attribute is empty"
    : name.length > maxXattrNameSize
    ? `the name of an extended attribute has ${name.length} bytes, at most ${maxXattrNameSize} are allowed`
    : valueSize > maxXattrValueSize
    ? `an extended attribute has a value of ${valueSize} bytes, at most ${maxXattrValueSize} are allowed`
    : undefined

export const xattrBudgetProblem = `the extended attributes take more than ${xattrBudget} bytes together`
