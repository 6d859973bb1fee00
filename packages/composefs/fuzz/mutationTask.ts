/** What is said between the threads of a run. */

export interface WorkerTask {
  readonly seed: number
  readonly from: number
  readonly to: number
  readonly step: number
  /** The number of the case that each thread is at. */
  readonly progress: Int32Array<SharedArrayBuffer>
  readonly slot: number
}

export type Report =
  | { readonly kind: "broken"; readonly number: number; readonly problem: string }
  | { readonly kind: "done"; readonly counts: ReadonlyArray<readonly [what: string, times: number]> }
