import { type DesiredState, Drift as CoreDrift, Fleet } from "@lamina/core"
import * as Effect from "effect/Effect"
import type { World } from "../World.ts"
import * as Agent from "./Agent.ts"

/** Compares what runs with what should; then the machine reports another digest, and is found out. */
export const watch = (
  world: World,
  machine: Agent.Machine,
  desired: DesiredState.DesiredState,
  running: Readonly<Record<string, string>>,
  moduleName: string
) =>
  world.report.step("drift", () =>
    Effect.gen(function*() {
      const { accountId } = world.asAda
      const drift = Fleet.drift({
        accountId,
        instanceId: machine.instanceId,
        patience: { ...CoreDrift.defaultPatience, graceMillis: 0 }
      })
      const before = yield* drift
      const other = `sha256:${"0".repeat(64)}`
      yield* Agent.report(machine, desired, 2, { ...running, [moduleName]: other })
      const after = yield* drift
      yield* Agent.report(machine, desired, 3, running)
      return {
        report: {
          fields: { before, after },
          lines: [
            `drift: ${before.drift} (${before.class})`,
            `then ${moduleName} reports ${other.slice(0, 19)}…`,
            `drift: ${after.drift} (${after.class}: ${classesOf(after).join(", ")})`
          ]
        }
      }
    }))

const classesOf = (report: CoreDrift.DriftReport): ReadonlyArray<string> =>
  (["missing", "extra", "mismatched", "verificationFailed"] as const).flatMap((name) =>
    report[name].length === 0 ? [] : [`${name} ${report[name].map(({ moduleName }) => moduleName).join(", ")}`]
  )
