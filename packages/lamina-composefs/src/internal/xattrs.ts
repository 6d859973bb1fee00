/**
 * Extended attributes of a directory. Node has no call for them, so the program `getfattr` (package attr) lists those of
 * the whole tree before it is scanned.
 */
import * as Effect from "effect/Effect"
import { spawn } from "node:child_process"
import { Unusable } from "./failure.ts"
import { toText } from "./names.ts"

type Attributes = ReadonlyMap<string, Uint8Array>

/** The attributes by path; paths are latin1 texts of their bytes, relative to the tree: "" for its root, "a/b". */
export type AttributesByPath = ReadonlyMap<string, Attributes>

/** Lists the attributes of a directory and everything below; undefined where there is no getfattr. */
export const list = (directory: string): Effect.Effect<AttributesByPath | undefined, Unusable> =>
  Effect.callback((resume) => {
    const listing = new Listing()
    let complaints = ""
    // Run inside of the directory, every name begins with "./": nothing can be taken for an option.
    const child = spawn("getfattr", ["-R", "-P", "-h", "-d", "-m", "-", "-e", "hex", "--absolute-names", "--", "."], {
      cwd: directory,
      stdio: ["ignore", "pipe", "pipe"]
    })
    const failed = (problem: string) => Effect.fail(new Unusable({ subject: `attributes of ${directory}`, problem }))
    child.stdout.on("data", (chunk: Buffer) => listing.push(chunk.toString("latin1")))
    child.stderr.on("data", (chunk: Buffer) => {
      if (complaints.length < 2000) complaints += chunk.toString()
    })
    child.once("error", (error) => {
      const isAbsent = "code" in error && error.code === "ENOENT"
      resume(isAbsent ? Effect.undefined : failed(error.message))
    })
    child.once("close", (code) => {
      if (code !== 0) return resume(failed(complaints.trim() || `getfattr ended with ${code}`))
      const problem = listing.finish()
      resume(problem === undefined ? Effect.succeed(listing.attributes) : failed(problem))
    })
    return Effect.sync(() => void child.kill())
  })

/**
 * The output of getfattr: for each file that has attributes `# file: PATH`, then `NAME=0xHEX` lines, then an empty line.
 * Backslashes and newlines of paths, and `=` of names, are octal escapes.
 */
class Listing {
  readonly attributes = new Map<string, Map<string, Uint8Array>>()
  readonly #values = new Map<string, Uint8Array>()
  #rest = ""
  #current = new Map<string, Uint8Array>()
  #problem: string | undefined

  push(text: string): void {
    const lines = (this.#rest + text).split("\n")
    this.#rest = lines.pop() ?? ""
    for (const line of lines) this.#line(line)
  }

  /** Tells what could not be understood. */
  finish(): string | undefined {
    return this.#rest === "" ? this.#problem : "the output of getfattr was cut off"
  }

  #line(line: string): void {
    if (line === "") return
    if (line.startsWith("# file: ")) {
      this.#current = new Map()
      this.attributes.set(unescape(line.slice("# file: ".length)).replace(/^\.\/?/, ""), this.#current)
      return
    }
    const [, name = "", value] = /^([^=]+)(?:=0x((?:[0-9a-f]{2})*))?$/.exec(line) ?? []
    if (name === "") this.#problem ??= `getfattr printed ${JSON.stringify(line.slice(0, 100))}`
    else this.#current.set(toText(Buffer.from(unescape(name), "latin1")), this.#bytesOf(value ?? ""))
  }

  /** Most files of a system share the values of a few. */
  #bytesOf(hex: string): Uint8Array {
    const known = this.#values.get(hex)
    if (known !== undefined) return known
    const bytes = Buffer.from(hex, "hex")
    this.#values.set(hex, bytes)
    return bytes
  }
}

const unescape = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
