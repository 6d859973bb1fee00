export * as FakeGitea from "./FakeGitea.ts"
export * as FaultScript from "./FaultScript.ts"
export * as LoopbackServer from "./LoopbackServer.ts"
