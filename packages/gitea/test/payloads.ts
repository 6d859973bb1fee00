// Payloads in the shape of Gitea's (modules/structs), cut to what a receiver may meet, with fields it does not know.

export const sha = "4f2c9d0e8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c3d"
export const zero = "0".repeat(40)

export const repository = {
  id: 7,
  owner: { id: 3, login: "acme", full_name: "", unknown: { nested: [1, null] } },
  name: "redis",
  full_name: "acme/redis",
  default_branch: "main",
  html_url: "https://git.test/acme/redis",
  clone_url: "https://git.test/acme/redis.git",
  private: false,
  has_actions: true
}

const sender = { id: -2, login: "gitea-actions" }

export const push = (over: Record<string, unknown> = {}) => ({
  ref: "refs/tags/v0.1.0",
  before: zero,
  after: sha,
  commits: [],
  total_commits: 0,
  head_commit: null,
  repository,
  pusher: sender,
  sender,
  ...over
})

export const release = {
  action: "published",
  release: { id: 1, tag_name: "v0.1.0", name: "First", draft: false, prerelease: true, body: null },
  repository,
  sender
}

export const packaged = (over: Record<string, unknown> = {}) => ({
  action: "created",
  repository: null,
  package: {
    id: 9,
    owner: { id: 3, login: "acme" },
    repository: null,
    creator: sender,
    type: "container",
    name: "redis",
    version: "v0.1.0",
    html_url: "https://git.test/acme/-/packages/container/redis/v0.1.0",
    ...over
  },
  organization: { id: 3, name: "acme", username: "acme" },
  sender
})

export const workflowRun = (over: Record<string, unknown> = {}) => ({
  action: "completed",
  workflow: { id: "build.yaml", name: "Build", state: "active" },
  workflow_run: {
    id: 42,
    run_number: 3,
    run_attempt: 1,
    path: "build.yaml@refs/tags/v0.1.0",
    event: "push",
    display_title: "v0.1.0",
    head_sha: sha,
    status: "completed",
    conclusion: "success",
    html_url: "https://git.test/acme/redis/actions/runs/42",
    started_at: "2026-05-01T10:00:00Z",
    completed_at: "0001-01-01T00:00:00Z",
    ...over
  },
  repository,
  sender
})

export const moduleCallback = {
  repository: { full_name: "acme/redis" },
  ref: "refs/tags/v0.1.0",
  artifact: "registry.test/acme/redis:v0.1.0",
  fingerprint: "abc"
}

export const diskImageCallback = {
  platform_name: "edge-arm64",
  git_sha: sha,
  sha256: "a".repeat(64),
  size_bytes: 1_073_741_824,
  oci_ref: "registry.test/acme/disk-images/edge@sha256:".concat("b".repeat(64)),
  arch: "arm64"
}
