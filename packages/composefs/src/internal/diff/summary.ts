/** Differences counted by what differs. */
import type * as Node from "../../Node.ts"
import type { Difference, Field } from "./difference.ts"
import { escapeText, fieldNames, formatValues } from "./text.ts"

/**
 * How many differences are of one sort.
 *
 * @category models
 * @since 0.1.0
 */
export interface Count {
  readonly aspect: "added" | "removed" | Field
  /** Which extended attribute; undefined for every other aspect. */
  readonly name: string | undefined
  readonly kind: Node.Kind
  readonly count: number
  /** Where the first of them is. */
  readonly first: string
  /** The value as text, if the left side has one and the same in all of them. */
  readonly left: string | undefined
  /** The value as text, if the right side has one and the same in all of them. */
  readonly right: string | undefined
}

/**
 * What differs and how often, the most frequent first.
 *
 * @category models
 * @since 0.1.0
 */
export interface Summary {
  readonly total: number
  readonly counts: ReadonlyArray<Count>
}

export const summarize = (differences: Iterable<Difference>): Summary => {
  const counts = new Map<string, Counter>()
  let total = 0
  for (const difference of differences) {
    total++
    const key = `${aspectOf(difference)}\0${nameOf(difference) ?? ""}\0${difference.kind}`
    const counter = counts.get(key)
    if (counter === undefined) counts.set(key, new Counter(difference))
    else counter.add(difference)
  }
  return {
    total,
    counts: Array.from(counts.values(), (counter) => counter.toCount()).sort((one, other) => other.count - one.count)
  }
}

const aspectOf = (difference: Difference): "added" | "removed" | Field => {
  switch (difference._tag) {
    case "Added":
      return "added"
    case "Removed":
      return "removed"
    case "Changed":
      return difference.field
  }
}

const nameOf = (difference: Difference): string | undefined =>
  difference._tag === "Changed" && difference.field === "xattr" ? difference.name : undefined

const valuesOf = (difference: Difference) =>
  difference._tag === "Changed" ? formatValues(difference) : { left: undefined, right: undefined }

class Counter {
  readonly #first: Difference
  #count = 1
  #left: string | undefined
  #right: string | undefined

  constructor(first: Difference) {
    this.#first = first
    const { left, right } = valuesOf(first)
    this.#left = left
    this.#right = right
  }

  add(difference: Difference): void {
    this.#count++
    if (this.#left === undefined && this.#right === undefined) return
    const { left, right } = valuesOf(difference)
    if (left !== this.#left) this.#left = undefined
    if (right !== this.#right) this.#right = undefined
  }

  toCount(): Count {
    return {
      aspect: aspectOf(this.#first),
      name: nameOf(this.#first),
      kind: this.#first.kind,
      count: this.#count,
      first: this.#first.path,
      left: this.#left,
      right: this.#right
    }
  }
}

/** One line for each sort, such as "5,267 directory mtimes differ (right always 0.000000000), first /boot". */
export const formatSummary = ({ counts, total }: Summary): string =>
  total === 0 ? "no differences\n" : counts.map((count) => `${formatCount(count)}\n`).join("")

const grouped = new Intl.NumberFormat("en-US")

const formatCount = (count: Count): string => {
  const isOne = count.count === 1
  const number = grouped.format(count.count)
  const place = `${isOne ? "" : "first "}${escapeText(count.first)}`
  if (count.aspect === "added" || count.aspect === "removed") {
    return `${number} ${isOne ? count.kind : pluralKinds[count.kind]} ${count.aspect}, ${place}`
  }
  const noun = nounOf(count.aspect, count.name)
  return `${number} ${count.kind} ${noun}${isOne ? " differs" : "s differ"}${formatCommon(count)}, ${place}`
}

const formatCommon = ({ count, left, right }: Count): string => {
  const always = count === 1 ? "" : "always "
  const common = [
    ...left === undefined ? [] : [`left ${always}${left}`],
    ...right === undefined ? [] : [`right ${always}${right}`]
  ]
  return common.length === 0 ? "" : ` (${common.join(", ")})`
}

const pluralKinds = {
  directory: "directories",
  file: "files",
  symlink: "symlinks",
  fifo: "fifos",
  socket: "sockets",
  "character device": "character devices",
  "block device": "block devices"
} as const satisfies Record<Node.Kind, string>

const nounOf = (field: Field, name: string | undefined): string =>
  field === "xattr" ? `${escapeText(name ?? "")} attribute` : fieldNames[field]
