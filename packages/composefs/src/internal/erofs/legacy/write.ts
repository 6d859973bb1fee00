/** Writes a tree in the legacy layout. */
import * as Result from "effect/Result"
import type { Tree } from "../../../Tree.ts"
import type { Unwritable } from "../nodeProblem.ts"
import { encode } from "./encode.ts"
import { takeInventory } from "./inventory.ts"
import { place } from "./placement.ts"

export const writeLegacy = (tree: Tree): Result.Result<Uint8Array, Unwritable> =>
  Result.map(takeInventory(tree), (inventory) => encode(place(inventory)))
