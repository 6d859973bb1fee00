/** The command line as a function: arguments and surroundings in, an exit code out. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Stream from "effect/Stream"
import { asksForHelp, type Command } from "./command.ts"
import { exitCodes, type Failure, Misuse, OutputClosed, plain, Unusable } from "./failure.ts"
import type { Io } from "./io.ts"
import { printable, printableLines } from "./names.ts"
import { nearestOf } from "./options.ts"
import { version } from "./version.ts"

interface Entry {
  readonly summary: string
  /** Loaded when it is called for: most of the time to start is the loading of modules. */
  readonly load: () => Promise<Command>
}

const commands: Readonly<Record<string, Entry>> = {
  digest: {
    summary: "fs-verity digests of files; image digests of directories and other trees",
    load: async () => (await import("./commands/digest.ts")).digest
  },
  mkfs: {
    summary: "write the image of a directory, a dump or another tree",
    load: async () => (await import("./commands/mkfs.ts")).mkfs
  },
  dump: {
    summary: "print a tree in the format composefs-dump(5)",
    load: async () => (await import("./commands/dump.ts")).dump
  },
  ls: {
    summary: "list files and where their contents are",
    load: async () => (await import("./commands/ls.ts")).ls
  },
  objects: {
    summary: "list the objects that images need",
    load: async () => (await import("./commands/objects.ts")).objects
  },
  missing: {
    summary: "list the objects that images need and a store lacks",
    load: async () => (await import("./commands/missing.ts")).missing
  },
  diff: {
    summary: "tell what differs between two trees, path by path and field by field",
    load: async () => (await import("./commands/diff.ts")).diff
  },
  explain: {
    summary: "find what was done to a tree that gave an expected digest",
    load: async () => (await import("./commands/explain.ts")).explain
  },
  fsck: {
    summary: "compare the objects of a store with their names, tell which files are affected",
    load: async () => (await import("./commands/fsck.ts")).fsck
  },
  gc: {
    summary: "remove the objects of a store that no image needs",
    load: async () => (await import("./commands/gc.ts")).gc
  },
  verify: {
    summary: "confirm the fs-verity digest of a file",
    load: async () => (await import("./commands/verify.ts")).verify
  }
}

const help = `Usage: lamina-composefs COMMAND [OPTIONS] ...

composefs images, byte for byte those of mkcomposefs, and what belongs to them.

Commands:
${Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(9)}${summary}`).join("\n")}

lamina-composefs COMMAND --help tells the options of a command; --version prints the version.

A SOURCE is a directory, an image or a dump (told apart by what is in the file), - for the standard input, or, with a
prefix, dir:PATH, image:PATH, dump:PATH, an OCI image in a layout, oci:PATH[:TAG], or one in a registry,
docker://HOST/REPOSITORY:TAG (with LAMINA_REGISTRY_USER and LAMINA_REGISTRY_PASSWORD, when it asks).

Exit codes: 0 done, 1 a difference or a failed verification, 2 a command line that was not understood, 3 something
unreadable, unwritable or malformed, 70 a defect of this program, 141 the output was closed, 130 and 143 interrupted.
`

/** Runs a command line; what went wrong is told, and is in the exit code. */
export const main = (args: ReadonlyArray<string>, io: Io): Effect.Effect<number> =>
  Effect.scoped(dispatch(args, { ...io, input: readOnce(io.input) })).pipe(
    Effect.exit,
    Effect.flatMap((exit) =>
      Exit.isSuccess(exit)
        ? Effect.succeed(exit.value)
        : Cause.hasInterruptsOnly(exit.cause)
        ? Effect.interrupt
        : Effect.sync(() => report(exit.cause, args, io))
    )
  )

const dispatch = Effect.fnUntraced(function*(args: ReadonlyArray<string>, io: Io) {
  const [name = "", ...rest] = args[0] === "help" ? helpOf(args) : args
  if (name === "--version") return yield* Effect.as(io.print(`lamina-composefs ${version}\n`), exitCodes.ok)
  const entry = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (entry === undefined) {
    if (args[0] === "help" && args.length > 1) return yield* new Misuse({ problem: unknownCommand(name) })
    if (asksForHelp([name, ...rest])) return yield* Effect.as(io.print(help), exitCodes.ok)
    return yield* new Misuse({ problem: name === "" ? "expected a command" : unknownCommand(name) })
  }
  const command = yield* Effect.promise(entry.load)
  return yield* command.run(rest, io)
})

/** `help COMMAND` is `COMMAND --help`. */
const helpOf = (args: ReadonlyArray<string>): ReadonlyArray<string> =>
  args.length > 1 ? [...args.slice(1, 2), "--help"] : ["--help"]

/** A second reading would find nothing, and take that for an empty file. */
const readOnce = (input: Io["input"]): Io["input"] => {
  let isRead = false
  return Stream.suspend(() => {
    if (isRead) return Stream.fail(new Unusable({ subject: "standard input", problem: "it can be read only once" }))
    isRead = true
    return input
  })
}

const unknownCommand = (name: string): string => {
  const nearest = nearestOf(name, Object.keys(commands))
  return `unknown command ${JSON.stringify(name)}${nearest === undefined ? "" : `; did you mean ${nearest}?`}`
}

const report = (cause: Cause.Cause<Failure>, [name = ""]: ReadonlyArray<string>, io: Io): number => {
  const failure = cause.reasons.find(Cause.isFailReason)?.error
  if (failure === undefined) {
    io.tell(`lamina-composefs: this is a defect of lamina-composefs:\n${printableLines(Cause.pretty(cause))}\n`)
    return exitCodes.defect
  }
  if (failure instanceof OutputClosed) return exitCodes.outputClosed
  io.tell(`lamina-composefs: ${printable(plain(failure.message))}\n`)
  if (!(failure instanceof Misuse)) return exitCodes.failed
  io.tell(`lamina-composefs ${Object.hasOwn(commands, name) ? `${name} ` : ""}--help tells what there is.\n`)
  return exitCodes.usage
}
