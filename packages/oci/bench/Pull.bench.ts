// Pull and push of one large blob: this package beside curl and skopeo, through this package's own server and Debian's
// docker-registry where they are installed. `node packages/oci/bench/Pull.bench.ts [MiB]` prints one line each.
import { Artifact, Descriptor, Digest, HttpRegistry, LayoutRegistry, MediaType, RegistryServer } from "@lamina/oci"
import type { Registry } from "@lamina/oci"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { spawn } from "node:child_process"
import { createHash, randomBytes } from "node:crypto"
import { join } from "node:path"
import { dockerRegistry, isInstalled, temporaryDirectory } from "../test/support/dockerRegistry.ts"

const mebibytes = Number(process.argv[2] ?? "512")
const block = randomBytes(1024 * 1024)

const content = Stream.range(0, mebibytes - 1).pipe(
  Stream.map((index) => {
    const chunk = Buffer.from(block)
    chunk.writeUInt32LE(index, 0)
    return new Uint8Array(chunk)
  }),
  Stream.rechunk(1)
)

const digestOfContent = Effect.gen(function*() {
  const hash = createHash("sha256")
  yield* Stream.runForEach(content, (chunk) => Effect.sync(() => hash.update(chunk)))
  return Digest.finish(hash)
})

const command = (program: string, ...args: ReadonlyArray<string>) =>
  Effect.callback<void>((resume) => {
    const child = spawn(program, args, { stdio: ["ignore", "ignore", "inherit"] })
    child.once("close", (code) => resume(code === 0 ? Effect.void : Effect.die(`${program} failed`)))
  })

/** Runs once, prints the speed, and returns the seconds. */
const timed = Effect.fnUntraced(function*<A, E, R>(name: string, effect: Effect.Effect<A, E, R>) {
  const [duration] = yield* Effect.timed(effect)
  const seconds = Duration.toSeconds(duration)
  console.log(`${name.padEnd(48)} ${seconds.toFixed(2)} s ${(mebibytes / seconds).toFixed(0)} MiB/s`)
  return seconds
})

const measure = Effect.fnUntraced(function*(
  server: string,
  listening: { readonly url: string; readonly host: string },
  digest: Digest.Digest
) {
  const registry: Registry.Registry = yield* HttpRegistry.make({ url: listening.url })
  const descriptor: Descriptor.Descriptor = { mediaType: MediaType.layerTar, digest, size: mebibytes * 1024 * 1024 }
  yield* timed(`push lamina -> ${server}`, registry.putBlob("bench", descriptor, content))
  yield* Artifact.push(registry, "bench", { artifactType: "text/x", layers: [{ descriptor }], tags: ["v1"] })
  const pull = Effect.scoped(
    Effect.flatMap(
      registry.getBlob("bench", digest, { size: descriptor.size }),
      ({ stream }) => Stream.runDrain(stream)
    )
  )
  const own = yield* timed(`pull lamina <- ${server} (verified)`, pull)
  const compare = (peer: string, seconds: number) =>
    console.log(`ratio pull: ${(seconds / own).toFixed(2)} x ${peer} (above 1: faster than it)`)
  const url = `${listening.url}/v2/bench/blobs/${digest}`
  if (isInstalled("curl")) {
    const fetching = command("curl", "-s", "-o", "/dev/null", url)
    compare("curl, which verifies nothing", yield* timed(`pull curl <- ${server} (unverified)`, fetching))
  }
  if (isInstalled("skopeo")) {
    const target = `dir:${join(yield* temporaryDirectory, "copy")}`
    const source = `docker://${listening.host}/bench:v1`
    const copying = command("skopeo", "copy", "--src-tls-verify=false", "--preserve-digests", source, target)
    compare("skopeo, which verifies and writes files", yield* timed(`pull skopeo <- ${server} (to files)`, copying))
  }
})

await Effect.runPromise(Effect.scoped(Effect.gen(function*() {
  const digest = yield* digestOfContent
  yield* timed("sha256 alone", digestOfContent)
  const layout = yield* LayoutRegistry.make({ root: yield* temporaryDirectory, durable: false })
  yield* measure("lamina server, layout", yield* RegistryServer.listen(layout), digest)
  if (isInstalled("docker-registry")) yield* measure("docker-registry", yield* dockerRegistry(), digest)
})))
