/**
 * Every kind of row that the domain keeps, for adapters which want to know beforehand.
 *
 * @since 0.1.0
 */
import * as ApprovalRequest from "../approvals/ApprovalRequest.ts"
import * as Policy from "../approvals/Policy.ts"
import * as Event from "../events/Event.ts"
import * as IdempotencyRecord from "../events/IdempotencyRecord.ts"
import * as Heartbeat from "../fleet/Heartbeat.ts"
import * as Instance from "../fleet/Instance.ts"
import * as RunningModule from "../fleet/RunningModule.ts"
import * as IngestRejection from "../ingest/IngestRejection.ts"
import type { Collection, Row } from "../storage/Collection.ts"
import * as Template from "../templates/Template.ts"
import * as TemplateAssignment from "../templates/TemplateAssignment.ts"
import * as WebhookDelivery from "../webhooks/WebhookDelivery.ts"
import * as WebhookEndpoint from "../webhooks/WebhookEndpoint.ts"
import * as WebhookRefusals from "../webhooks/WebhookRefusals.ts"
import * as Account from "./Account.ts"
import * as Category from "./Category.ts"
import * as Module from "./Module.ts"
import * as ModuleFiles from "./ModuleFiles.ts"
import * as ModuleVersion from "./ModuleVersion.ts"

/**
 * All collections of the domain.
 *
 * @category constants
 * @since 0.1.0
 */
export const all: ReadonlyArray<Collection<Row>> = [
  Account.collection,
  Category.collection,
  Module.collection,
  ModuleVersion.collection,
  ModuleFiles.collection,
  IngestRejection.collection,
  Policy.collection,
  ApprovalRequest.collection,
  Template.collection,
  TemplateAssignment.collection,
  Instance.collection,
  Heartbeat.collection,
  RunningModule.collection,
  WebhookEndpoint.collection,
  WebhookDelivery.collection,
  WebhookRefusals.collection,
  Event.collection,
  IdempotencyRecord.collection
]
