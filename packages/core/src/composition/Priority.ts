/**
 * The order of layers: one number per module, one comparator everywhere.
 *
 * @since 0.1.0
 */

/**
 * What decides where a module lies.
 *
 * @category models
 * @since 0.1.0
 */
export interface Prioritized {
  readonly moduleName: string
  /** Position of the module's category, 0 or more; higher is nearer the top. */
  readonly categoryPosition: number
  /** Order within the category, 0 to 999; higher is nearer the top. */
  readonly priority: number
}

const categoryWidth = 1000

/**
 * Whether a priority stays inside its category.
 *
 * @category predicates
 * @since 0.1.0
 */
export const isPriority = (priority: number): boolean =>
  Number.isInteger(priority) && priority >= 0 && priority < categoryWidth

/**
 * `categoryPosition * 1000 + priority`.
 *
 * @category getters
 * @since 0.1.0
 */
export const effectivePriority = (module: Omit<Prioritized, "moduleName">): number =>
  module.categoryPosition * categoryWidth + module.priority

/**
 * Orders modules bottom to top; of equal ones the lower name (by code units) lies below.
 *
 * @category ordering
 * @since 0.1.0
 */
export const compare = (left: Prioritized, right: Prioritized): number =>
  effectivePriority(left) - effectivePriority(right) ||
  (left.moduleName < right.moduleName ? -1 : left.moduleName > right.moduleName ? 1 : 0)
