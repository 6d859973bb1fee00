import { type ChildProcess, spawn } from "node:child_process"
import { dirname, join } from "node:path"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"

/** What one line of `--json` says. */
export type Line = Readonly<Record<string, unknown>>

const main = join(dirname(dirname(fileURLToPath(import.meta.url))), "main.ts")

const start = (args: ReadonlyArray<string>): ChildProcess =>
  spawn(process.execPath, [main, "--json", ...args], { stdio: ["ignore", "pipe", "pipe"] })

/** Runs the main job to its end and returns its lines. */
export const runMain = async (args: ReadonlyArray<string>): Promise<ReadonlyArray<Line>> => {
  const child = start(args)
  let errors = ""
  child.stderr?.on("data", (chunk: Buffer) => {
    errors += chunk.toString()
  })
  const lines: Array<Line> = []
  if (child.stdout !== null) { for await (const line of createInterface(child.stdout)) lines.push(JSON.parse(line)) }
  const code = child.exitCode ?? await new Promise<number | null>((resolve) => child.once("exit", resolve))
  if (code !== 0) throw new Error(`the job ended with ${code}: ${errors}`)
  return lines
}

/** Runs the main job until a line says so, then kills it as a power cut would. */
export const killMainAt = async (args: ReadonlyArray<string>, text: string): Promise<ReadonlyArray<Line>> => {
  const child = start(args)
  const lines: Array<Line> = []
  const exited = new Promise((resolve) => child.once("exit", resolve))
  if (child.stdout !== null) {
    for await (const line of createInterface(child.stdout)) {
      lines.push(JSON.parse(line))
      if (line.includes(text)) break
    }
  }
  child.kill("SIGKILL")
  await exited
  return lines
}

/** The line of a step. */
export const step = (lines: ReadonlyArray<Line>, name: string): Line => {
  const line = lines.find((candidate) => candidate["name"] === name)
  if (line === undefined) throw new Error(`no step ${name} in ${JSON.stringify(lines).slice(0, 2000)}`)
  return line
}

/** The last line, with what is recorded. */
export const done = (lines: ReadonlyArray<Line>): Line => {
  const line = lines.find((candidate) => candidate["done"] === true)
  if (line === undefined) throw new Error("the job did not say that it is done")
  return line
}
