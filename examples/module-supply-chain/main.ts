// The main job: one module from its repository to a machine, and what is refused on the way. See README.md.
import { ModuleCatalog, type ModuleVersion } from "@lamina/core"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Logger from "effect/Logger"
import * as Schema from "effect/Schema"
import * as Options from "./Options.ts"
import * as Report from "./Report.ts"
import * as Agent from "./steps/Agent.ts"
import * as Dependencies from "./steps/Dependencies.ts"
import * as Drift from "./steps/Drift.ts"
import * as Ingest from "./steps/Ingest.ts"
import * as Lifecycle from "./steps/Lifecycle.ts"
import * as Publication from "./steps/Publication.ts"
import * as Refusals from "./steps/Refusals.ts"
import * as Repository from "./steps/Repository.ts"
import { use, type World } from "./World.ts"

/** The job ends early because of what was reported last. */
class Stopped extends Schema.TaggedError<Stopped>("example/Stopped")("Stopped", { why: Schema.String }) {
  override get message(): string {
    return this.why
  }
}

const job = Effect.fnUntraced(function*(world: World) {
  const { options, report } = world
  yield* Ingest.resume(world)
  const source = { directory: options.directory, version: options.version }

  yield* report.title("The module")
  const looked = yield* Repository.dryRun(world, source)
  const needed = yield* Dependencies.find(world, source.directory)
  if (!looked.isBuildable) return yield* new Stopped({ why: `${options.directory} cannot be built; see above` })
  const { module } = yield* Repository.build(world, source)
  const { published } = yield* Publication.push(world, module)
  yield* Publication.sign(world, module, published)

  yield* report.title("The control plane")
  const below = yield* Dependencies.prepare(world, needed)
  const { trustedBy } = yield* Ingest.register(world, module, source.directory)
  if (trustedBy === "operator") {
    yield* report.note("the operator says whom to trust; the manifest names nobody who signs here")
  }
  const { deliveryId } = yield* Publication.callWebhook(world, module)
  if (options.holdBeforeIngest) return yield* hold(world)
  const { version } = yield* Ingest.ingest(world, module, deliveryId)
  yield* Lifecycle.promote(world, version)

  yield* report.title("The machine")
  const { composed, template } = yield* Lifecycle.compose(world, [...below, module.name])
  if (composed.isBlocked) return yield* new Stopped({ why: `the composition of ${module.name} is blocked; see above` })
  const machine = yield* Agent.createMachine(world, template)
  const { desired, installed } = yield* Agent.run(world, machine, Agent.fileToRead(looked.files))
  yield* Drift.watch(world, machine, desired, Agent.digestsOf(installed), module.name)

  if (options.refusals) yield* Refusals.show(world, { source, module, version })
  yield* done(world, version)
})

const hold = ({ report }: World) =>
  Effect.andThen(
    report.note("the webhook is answered and nothing is ingested; waiting to be killed (--hold-before-ingest)"),
    Effect.never
  )

const done = Effect.fnUntraced(function*({ asAda, report }: World, version: ModuleVersion.ModuleVersion) {
  yield* report.title("Done")
  const recorded = yield* ModuleCatalog.listVersions({ ...asAda, moduleId: version.moduleId, limit: 1000 })
  yield* report.summary({
    fields: {
      module: version.moduleName,
      version_string: version.versionString,
      index_digest: version.indexDigest,
      versions: recorded.map((one) => ({
        version_string: one.versionString,
        index_digest: one.indexDigest,
        lifecycle_state: one.lifecycleState
      }))
    },
    lines: [`${version.moduleName} ${version.versionString} is live, index ${version.indexDigest}`]
  })
})

const main = async (): Promise<number> => {
  const command = Options.parse(process.argv.slice(2), process.env["INIT_CWD"] ?? process.cwd())
  if ("help" in command) {
    process.stdout.write(command.help)
    return 0
  }
  if ("mistake" in command) {
    process.stderr.write(`${command.mistake}\nnpm start -- --help says what there is.\n`)
    return 2
  }
  const interrupted = new AbortController()
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => interrupted.abort())
  // Whoever reads no more (`| head`) wants no more; everything is closed as after Ctrl-C.
  process.stdout.on("error", () => interrupted.abort())
  const report = Report.make(command.run)
  const exit = await Effect.runPromiseExit(
    Effect.scoped(use(command.run, report, job)).pipe(Effect.provide(Logger.layer([]))),
    { signal: interrupted.signal }
  )
  if (Exit.isSuccess(exit)) return 0
  if (interrupted.signal.aborted) return 130
  process.stderr.write(`\n${describe(Cause.squash(exit.cause))}\n`)
  return 1
}

const describe = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error)
  return "_tag" in error ? `${String(error._tag)}: ${error.message}` : error.message
}

process.exitCode = await main()
