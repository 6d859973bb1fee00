/**
 * What is left to people, and what they decided.
 *
 * @since 0.1.0
 */
export * as Admission from "./Admission.ts"
export * as ApprovalError from "./ApprovalError.ts"
export * as ApprovalRequest from "./ApprovalRequest.ts"
export * as Approvals from "./Approvals.ts"
export * as Policy from "./Policy.ts"
