/**
 * What a host needs to test against core in process.
 *
 * @since 0.1.0
 */
export * as Build from "./Build.ts"
export * as ContractCase from "./ContractCase.ts"
export * as DomainScenarios from "./DomainScenarios.ts"
export * as Expect from "./Expect.ts"
export * as ExpectationFailed from "./ExpectationFailed.ts"
export * as FakeRegistry from "./FakeRegistry.ts"
export * as FakeSigners from "./FakeSigners.ts"
export * as FakeWebhookAuthenticator from "./FakeWebhookAuthenticator.ts"
export * as PlainSecretBox from "./PlainSecretBox.ts"
export * as PromotionModel from "./PromotionModel.ts"
export * as StorageContract from "./StorageContract.ts"
export * as StorageModel from "./StorageModel.ts"
