/** Cases by number: the same seed and number give the same bytes for the same reader, on any machine. */
import { Random } from "./Random.ts"
import { fileLayerTarget, imageLayerTarget } from "./targets/archive.ts"
import { dumpTarget } from "./targets/dump.ts"
import { imageTarget } from "./targets/image.ts"
import { merkleTarget } from "./targets/merkle.ts"
import type { Outcome, Target } from "./targets/target.ts"

export interface Case {
  readonly target: Target
  readonly bytes: Uint8Array
}

export class Cases {
  readonly #seed: number
  readonly #image = imageTarget()
  readonly #dump = dumpTarget()
  readonly #imageLayer = imageLayerTarget()
  readonly #fileLayer = fileLayerTarget()
  readonly #merkle = merkleTarget()

  constructor(seed: number) {
    this.#seed = seed
  }

  make(number: number): Case {
    const random = new Random(this.#seed, number)
    const target = this.#target(random.below(40))
    return { target, bytes: target.make(random) }
  }

  #target(kind: number): Target {
    if (kind < 18) return this.#image
    if (kind < 35) return this.#dump
    if (kind < 37) return this.#merkle
    return kind < 39 ? this.#imageLayer : this.#fileLayer
  }

  /** Runs a case; throws where the reader breaks a promise. */
  run(number: number): { readonly name: string; readonly outcome: Outcome } {
    const { bytes, target } = this.make(number)
    return { name: target.name, outcome: target.read(bytes, number % 8 === 0) }
  }
}
