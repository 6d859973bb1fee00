/**
 * Scenarios of the domain, as data: each runs on any adapter of storage, with fakes of the other ports.
 *
 * Give each an empty storage (`Collections.all`): workers take jobs of all accounts.
 *
 * ```ts
 * import { it } from "@effect/vitest"
 * import { DomainScenarios } from "@lamina/core/testing"
 *
 * for (const { name, run } of DomainScenarios.cases) {
 *   it.effect(name, () => Effect.provide(run, MemoryStorage.layer))
 * }
 * ```
 *
 * @since 0.1.0
 */
import type { ContractCase } from "./ContractCase.ts"
import * as ApprovalScenarios from "./scenarios/ApprovalScenarios.ts"
import * as CatalogScenarios from "./scenarios/CatalogScenarios.ts"
import * as FleetScenarios from "./scenarios/FleetScenarios.ts"
import * as IngestScenarios from "./scenarios/IngestScenarios.ts"
import * as PromotionScenarios from "./scenarios/PromotionScenarios.ts"
import * as RollbackScenarios from "./scenarios/RollbackScenarios.ts"
import * as WebhookScenarios from "./scenarios/WebhookScenarios.ts"

/**
 * All scenarios.
 *
 * @category scenarios
 * @since 0.1.0
 */
export const cases: ReadonlyArray<ContractCase> = [
  ...CatalogScenarios.cases,
  ...IngestScenarios.cases,
  ...PromotionScenarios.cases,
  ...ApprovalScenarios.cases,
  ...RollbackScenarios.cases,
  ...FleetScenarios.cases,
  ...WebhookScenarios.cases
]
