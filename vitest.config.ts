import { defineConfig } from "vitest/config"

// Ends a test that hangs. It measures nothing: a slow and busy machine does not meet it.
const testTimeout = 600_000

// "unit" needs nothing outside npm; "integration" uses real parts and skips, by name, those that are absent.
export default defineConfig({
  test: {
    reporters: ["default"],
    projects: [
      {
        test: {
          name: "unit",
          include: ["packages/*/test/**/*.test.ts", "test/**/*.test.ts", "examples/*/test/**/*.test.ts"],
          exclude: ["**/*.integration.test.ts", "**/node_modules/**"],
          testTimeout,
          hookTimeout: testTimeout
        }
      },
      {
        test: {
          name: "integration",
          include: [
            "packages/*/test/**/*.integration.test.ts",
            "test/**/*.integration.test.ts",
            "examples/*/test/**/*.integration.test.ts"
          ],
          exclude: ["**/node_modules/**"],
          testTimeout,
          hookTimeout: testTimeout
        }
      }
    ]
  }
})
