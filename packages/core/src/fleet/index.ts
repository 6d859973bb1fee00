/**
 * Machines: what they are to run and what they run.
 *
 * @since 0.1.0
 */
export * as DesiredState from "./DesiredState.ts"
export * as Drift from "./Drift.ts"
export * as Fleet from "./Fleet.ts"
export * as FleetError from "./FleetError.ts"
export * as Heartbeat from "./Heartbeat.ts"
export * as Instance from "./Instance.ts"
export * as ModulePresence from "./ModulePresence.ts"
export * as RunningModule from "./RunningModule.ts"
