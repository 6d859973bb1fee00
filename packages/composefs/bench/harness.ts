export * from "lamina-bench"
