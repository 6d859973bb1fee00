import { Reference } from "@lamina/oci"
import { existsSync } from "node:fs"
import { homedir } from "node:os"
import { dirname, join, resolve } from "node:path"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"

/** What a person can choose. */
export interface Options {
  readonly directory: string
  readonly modules: ReadonlyArray<string>
  readonly version: string | undefined
  readonly architectures: ReadonlyArray<string>
  readonly registry: string | undefined
  readonly namespace: string
  readonly key: string | undefined
  readonly legacy: boolean
  readonly database: "memory" | "embedded" | string
  readonly state: string | undefined
  readonly json: boolean
  readonly holdBeforeIngest: boolean
  readonly refusals: boolean
}

export type Command = { readonly run: Options } | { readonly help: string } | { readonly mistake: string }

const examples = dirname(dirname(fileURLToPath(import.meta.url)))

const help = `npm start -- [DIR] [options]

Carries one module through the whole chain: repository, composefs image, registry, signature, webhook, ingest, promotion,
composition, machine, drift; then shows what is refused, and why. DIR is a module repository (manifest.yaml, rootfs/);
the default is examples/modules/my-redis. Nothing but loopback is used, unless --registry or --database name a server.

  --version VERSION      version of the module (default: the git tag on the commit, else 0.1.0)
  --modules DIR          where the modules that it requires are looked for (default: beside DIR, then the examples)
  --architectures LIST   default amd64,arm64
  --registry URL         push there instead of Lamina's own server, e.g. http://127.0.0.1:5000; plain http is for
                         loopback only (credentials: LAMINA_REGISTRY_USER and LAMINA_REGISTRY_PASSWORD). What is to
                         be refused is pushed there too, as 0.0.0-…; --no-refusals leaves it out
  --namespace NAME       first part of the repositories' names (default acme)
  --key FILE             sign with a cosign key pair (FILE is the private key; password: COSIGN_PASSWORD). A missing
                         file is generated, with FILE.pub beside it. Default: keyless, against a private Sigstore
  --legacy               store the signatures in the older tag form as well (sha256-<digest>.sig)
  --database WHERE       memory (default), embedded (PostgreSQL from npm; default with --state), or a postgres:// URL
  --state DIR            keep registry, database and keys there; the default is a folder that is removed at the end
  --hold-before-ingest   stop after the webhook was answered and wait to be killed; a second run with the same --state
                         goes on where it was
  --no-refusals          leave out what is refused
  --json                 one JSON object per line instead of text: npm start --silent -- --json | jq
  --help                 this text
`

/** Reads the arguments; paths are relative to where npm was called. */
export const parse = (args: ReadonlyArray<string>, cwd: string): Command => {
  try {
    return interpret(args, cwd)
  } catch (error) {
    return { mistake: error instanceof Error ? error.message : String(error) }
  }
}

const interpret = (args: ReadonlyArray<string>, cwd: string): Command => {
  const { positionals, values } = parseArgs({
    args: [...args],
    allowPositionals: true,
    allowNegative: true,
    options: {
      version: { type: "string" },
      modules: { type: "string", multiple: true },
      architectures: { type: "string", default: "amd64,arm64" },
      registry: { type: "string" },
      namespace: { type: "string", default: "acme" },
      key: { type: "string" },
      legacy: { type: "boolean", default: false },
      database: { type: "string" },
      state: { type: "string" },
      json: { type: "boolean", default: false },
      "hold-before-ingest": { type: "boolean", default: false },
      refusals: { type: "boolean", default: true },
      help: { type: "boolean", default: false }
    }
  })
  if (values.help) return { help }
  if (positionals.length > 1) return { mistake: `expected one module directory, got ${positionals.join(" ")}` }
  const path = (text: string) => resolve(cwd, text.replace(/^~(?=\/|$)/, homedir()))
  const directory = path(positionals[0] ?? join(examples, "modules", "my-redis"))
  const database = values.database ?? (values.state === undefined ? "memory" : "embedded")
  if (database !== "memory" && database !== "embedded" && !/^postgres(?:ql)?:\/\//.test(database)) {
    return { mistake: `expected --database memory, embedded or a postgres:// URL, got ${database}` }
  }
  if (database === "memory" && values.state !== undefined) {
    return { mistake: "--state keeps nothing of --database memory: leave --database out, or name embedded or a URL" }
  }
  if (values.registry !== undefined && !/^https?:\/\/[^/]+\/?$/.test(values.registry)) {
    return { mistake: `expected --registry http://HOST:PORT or https://HOST, got ${values.registry}` }
  }
  if (!Reference.isRepository(`${values.namespace}/module`)) {
    return { mistake: `expected --namespace of lower-case letters and digits such as acme, got "${values.namespace}"` }
  }
  const modules = (values.modules ?? []).map(path)
  const noFolder = modules.find((folder) => !existsSync(folder))
  if (noFolder !== undefined) return { mistake: `--modules: there is no folder ${noFolder}` }
  return {
    run: {
      directory,
      modules: [...modules, dirname(directory), join(examples, "modules")],
      version: values.version?.replace(/^v/, ""),
      architectures: values.architectures.split(",").filter((name) => name !== ""),
      registry: values.registry,
      namespace: values.namespace,
      key: values.key === undefined ? undefined : path(values.key),
      legacy: values.legacy,
      database,
      state: values.state === undefined ? undefined : path(values.state),
      json: values.json,
      holdBeforeIngest: values["hold-before-ingest"],
      refusals: values.refusals
    }
  }
}
