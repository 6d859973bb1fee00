// `npm start`, `npm test` and `npm run bench`, on a bare machine with Node 20 and npm: set up, then do it.
// Everything after the set-up runs on the Node that the lockfile pins, not on the one which started this file.
import { spawn } from "node:child_process"
import { createHash } from "node:crypto"
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, join, relative } from "node:path"
import { fileURLToPath } from "node:url"

const pnpm = "pnpm@12.21.0"
const root = dirname(dirname(fileURLToPath(import.meta.url)))
const bin = join(root, "node_modules", ".bin")
const env = { ...process.env, PATH: `${bin}${process.platform === "win32" ? ";" : ":"}${process.env.PATH}` }

// Ctrl-C reaches the whole group of processes by itself; what is sent to this one alone is passed on. Either way the
// child ends first, after it has closed what it opened.
const run = (command, args, options = {}) =>
  new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, env, stdio: "inherit", ...options })
    process.on("SIGINT", () => undefined)
    for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal))
    child.once("error", reject)
    child.once("exit", (status) => status === 0 ? resolve() : process.exit(status ?? 1))
  })

// What was installed last, told by the lockfile it was installed from.
const stamp = join(root, "node_modules", ".lamina-installed")
const lockfileHash = () => createHash("sha256").update(readFileSync(join(root, "pnpm-lock.yaml"))).digest("hex")
const isInstalled = () => existsSync(stamp) && readFileSync(stamp, "utf8") === lockfileHash()

// Output of the set-up goes to stderr, so that `npm start --silent -- --json` prints nothing but JSON.
const setUp = async () => {
  if (isInstalled()) return
  process.stderr.write(`Setting up: dependencies of pnpm-lock.yaml, with ${pnpm} through npx.\n`)
  await run("npx", ["-y", pnpm, "install", "--frozen-lockfile"], { stdio: ["ignore", 2, 2] })
  writeFileSync(stamp, lockfileHash())
}

const benchmarks = () =>
  readdirSync(join(root, "packages")).flatMap((name) => {
    const folder = join(root, "packages", name, "bench")
    return existsSync(folder)
      ? readdirSync(folder).filter((file) => file.endsWith(".bench.ts")).map((file) => join(folder, file))
      : []
  })

const realParts = ["docker-registry", "skopeo", "rsync", "fsverity", "fsck.erofs", "getfattr"]

const isOnPath = (command) => env.PATH.split(":").some((folder) => existsSync(join(folder, command)))

const sayWhatWasSkipped = () => {
  const absent = realParts.filter((part) => !isOnPath(part))
  const lines = [
    "",
    "skipped: the integration suites (packages/*/test/*.integration.test.ts), because npm test needs nothing outside npm.",
    absent.length === 0
      ? "         Every real part that they use is on this machine: npx vitest run --project integration"
      : `         They use real parts; absent here: ${absent.join(", ")}. \`bash .ci/run\` installs them on Debian.`
  ]
  if (!existsSync(join(root, "..", "shared", "vectors")) && env.LAMINA_VECTORS === undefined) {
    lines.push(
      "skipped: tests of vectors from outside; there is no ../shared/vectors, and LAMINA_VECTORS names no folder."
    )
  }
  process.stdout.write(`${lines.join("\n")}\n`)
}

const tasks = {
  start: (args) => run(join(bin, "node"), [join("examples", "module-supply-chain", "main.ts"), ...args]),
  test: async (args) => {
    await run(join(bin, "tsc"), ["-b"])
    await run(join(bin, "vitest"), ["run", "--project", "unit", ...args])
    sayWhatWasSkipped()
  },
  bench: async (args) => {
    const wanted = benchmarks().filter((file) =>
      args.length === 0 || args.some((name) => relative(root, file).includes(name))
    )
    if (wanted.length === 0) {
      const names = benchmarks().map((file) => relative(join(root, "packages"), file)).join("\n  ")
      process.stderr.write(`no benchmark has ${args.join(" or ")} in its name; there are\n  ${names}\n`)
      process.exit(2)
    }
    for (const file of wanted) await run(join(bin, "node"), [file])
  }
}

const [name, ...args] = process.argv.slice(2)
const task = tasks[name]
if (task === undefined) {
  process.stderr.write(`usage: node scripts/run.mjs ${Object.keys(tasks).join("|")} [arguments]\n`)
  process.exit(2)
}
await setUp()
await task(args)
