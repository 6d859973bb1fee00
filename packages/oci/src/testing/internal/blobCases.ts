/** The contract of blobs and uploads. */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Blob from "../../Blob.ts"
import * as Descriptor from "../../Descriptor.ts"
import * as Digest from "../../Digest.ts"
import * as MediaType from "../../MediaType.ts"
import type { Registry } from "../../Registry.ts"
import { RegistryError, Unavailable } from "../../RegistryError.ts"
import type { Case } from "../RegistryContract.ts"
import { equal, fails } from "./expect.ts"

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)
const describe = (bytes: Uint8Array) => Descriptor.ofBytes(MediaType.octetStream, bytes)
const absent = describe(bytesOf("nobody pushes this"))

/** Bytes that differ at every place within a page, more than one chunk of any transport. */
const large = Uint8Array.from({ length: 300_000 }, (_, index) => (index * 31 + (index >> 8)) & 0xff)

const read = (registry: Registry, repository: string, descriptor: Descriptor.Descriptor) =>
  Effect.map(Blob.getBytes(registry, repository, descriptor), (bytes) => Buffer.from(bytes).toString("latin1"))

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString("latin1")

/** All of them. */
export const cases: ReadonlyArray<Case> = [
  {
    name: "gives back the bytes of a blob that was pushed",
    run: Effect.fnUntraced(function*(registry, repository) {
      const bytes = bytesOf("hello")
      yield* registry.putBlob(repository, describe(bytes), bytes)
      yield* equal("content", yield* read(registry, repository, describe(bytes)), "hello")
      const head = yield* registry.headBlob(repository, describe(bytes).digest)
      yield* equal("size", head.size, 5)
      yield* equal("digest", head.digest, describe(bytes).digest)
    })
  },
  {
    name: "takes a blob as a stream of many chunks",
    run: Effect.fnUntraced(function*(registry, repository) {
      const chunks = Array.from({ length: 7 }, (_, index) => large.subarray(index * 43_000, (index + 1) * 43_000))
      yield* registry.putBlob(repository, describe(large), Stream.fromIterable(chunks))
      yield* equal("content", yield* read(registry, repository, describe(large)), text(large))
    })
  },
  {
    name: "takes the empty blob",
    run: Effect.fnUntraced(function*(registry, repository) {
      const empty = new Uint8Array(0)
      yield* registry.putBlob(repository, describe(empty), empty)
      yield* equal("content", yield* read(registry, repository, describe(empty)), "")
    })
  },
  {
    name: "takes the empty document",
    run: Effect.fnUntraced(function*(registry, repository) {
      yield* registry.putBlob(repository, describe(bytesOf("{}")), bytesOf("{}"))
      yield* equal("content", yield* read(registry, repository, describe(bytesOf("{}"))), "{}")
    })
  },
  {
    name: "knows a blob by its sha512",
    run: Effect.fnUntraced(function*(registry, repository) {
      const bytes = bytesOf("sha512")
      const descriptor = { ...describe(bytes), digest: Digest.ofBytes(bytes, "sha512") }
      yield* registry.putBlob(repository, descriptor, bytes)
      yield* equal("content", yield* read(registry, repository, descriptor), "sha512")
    })
  },
  {
    name: "takes a blob twice",
    run: Effect.fnUntraced(function*(registry, repository) {
      const bytes = bytesOf("twice")
      const put = registry.putBlob(repository, describe(bytes), bytes)
      yield* Effect.all([put, put, put], { concurrency: 3 })
      yield* put
      yield* equal("content", yield* read(registry, repository, describe(bytes)), "twice")
    })
  },
  {
    name: "says that a blob is not there",
    run: Effect.fnUntraced(function*(registry, repository) {
      yield* fails("head", registry.headBlob(repository, absent.digest), "NotFound")
      yield* fails("get", Effect.scoped(registry.getBlob(repository, absent.digest)), "NotFound")
    })
  },
  {
    name: "keeps repositories apart",
    run: Effect.fnUntraced(function*(registry, repository) {
      const bytes = bytesOf(`only in ${repository}`)
      yield* registry.putBlob(repository, describe(bytes), bytes)
      yield* registry.putBlob(`${repository}-other`, describe(bytesOf("other")), bytesOf("other"))
      yield* fails("head", registry.headBlob(`${repository}-other`, describe(bytes).digest), "NotFound")
    })
  },
  {
    name: "refuses content with another digest and stores nothing",
    run: Effect.fnUntraced(function*(registry, repository) {
      const promised = describe(bytesOf("right"))
      yield* fails("put", registry.putBlob(repository, promised, bytesOf("wrong")), "DigestMismatch")
      yield* fails(
        "put of a stream",
        registry.putBlob(repository, promised, Stream.succeed(bytesOf("WRONG"))),
        "DigestMismatch"
      )
      yield* fails("head", registry.headBlob(repository, promised.digest), "NotFound")
    })
  },
  {
    name: "refuses content of another size and stores nothing",
    run: Effect.fnUntraced(function*(registry, repository) {
      const promised = describe(bytesOf("right"))
      const short = registry.putBlob(repository, promised, Stream.succeed(bytesOf("righ")))
      const long = registry.putBlob(repository, promised, Stream.succeed(bytesOf("right!")))
      yield* fails("one byte short", short, "SizeMismatch")
      yield* fails("one byte more", long, "SizeMismatch")
      yield* fails("head", registry.headBlob(repository, promised.digest), "NotFound")
    })
  },
  {
    name: "passes on the error of a stream that breaks off and stores nothing",
    run: Effect.fnUntraced(function*(registry, repository) {
      const broken = new RegistryError({
        operation: "test",
        subject: "source",
        reason: new Unavailable({ detail: "the source broke off" })
      })
      const content = Stream.concat(Stream.succeed(bytesOf("ri")), Stream.fail(broken))
      const promised = describe(bytesOf("right"))
      yield* fails("put", registry.putBlob(repository, promised, content), "Unavailable")
      yield* fails("head", registry.headBlob(repository, promised.digest), "NotFound")
    })
  },
  {
    name: "refuses to read a blob of another size than its descriptor says",
    run: Effect.fnUntraced(function*(registry, repository) {
      const bytes = bytesOf("sized")
      yield* registry.putBlob(repository, describe(bytes), bytes)
      yield* fails("get", Blob.getBytes(registry, repository, { ...describe(bytes), size: 4 }), "SizeMismatch")
      yield* fails("get", Blob.getBytes(registry, repository, { ...describe(bytes), size: 6 }), "SizeMismatch")
    })
  },
  {
    name: "gives a part of a blob",
    run: Effect.fnUntraced(function*(registry, repository) {
      yield* registry.putBlob(repository, describe(large), large)
      const part = yield* registry.getBlob(repository, describe(large).digest, { range: { start: 1000, end: 1999 } })
      const bytes = yield* Stream.runCollect(part.stream)
      yield* equal("part", text(Buffer.concat(bytes)), text(large.subarray(1000, 2000)))
    })
  },
  {
    name: "takes an upload whose digest is known at its end",
    run: Effect.fnUntraced(function*(registry, repository) {
      const upload = yield* registry.startUpload(repository)
      const first = yield* upload.write(large.subarray(0, 100_000), 0)
      const second = yield* upload.write(large.subarray(100_000), first)
      yield* equal("offset", [first, second], [100_000, 300_000])
      const descriptor = yield* upload.commit(describe(large).digest)
      yield* equal("size", descriptor.size, 300_000)
      yield* equal("content", yield* read(registry, repository, describe(large)), text(large))
    })
  },
  {
    name: "refuses the chunk of an upload at the wrong offset",
    run: Effect.fnUntraced(function*(registry, repository) {
      const upload = yield* registry.startUpload(repository)
      const offset = yield* upload.write(bytesOf("abc"), 0)
      yield* fails("write", upload.write(bytesOf("abc"), offset - 1), "Malformed")
    })
  },
  {
    name: "refuses to commit an upload by another digest and stores nothing",
    run: Effect.fnUntraced(function*(registry, repository) {
      const promised = describe(bytesOf("right"))
      const upload = yield* registry.startUpload(repository)
      yield* upload.write(bytesOf("wrong"), 0)
      yield* fails("commit", upload.commit(promised.digest), "DigestMismatch")
      yield* fails("head", registry.headBlob(repository, promised.digest), "NotFound")
      yield* fails("head", registry.headBlob(repository, describe(bytesOf("wrong")).digest), "NotFound")
    })
  },
  {
    name: "commits an upload by sha512",
    run: Effect.fnUntraced(function*(registry, repository) {
      const bytes = bytesOf("an upload by sha512")
      const upload = yield* registry.startUpload(repository, { algorithm: "sha512" })
      yield* upload.write(bytes, 0)
      const digest = Digest.ofBytes(bytes, "sha512")
      yield* upload.commit(digest)
      yield* equal("size", (yield* registry.headBlob(repository, digest)).size, bytes.byteLength)
    })
  },
  {
    name: "makes a blob of another repository available",
    run: Effect.fnUntraced(function*(registry, repository) {
      const bytes = bytesOf(`mounted from ${repository}`)
      const { digest } = describe(bytes)
      yield* registry.putBlob(repository, describe(bytes), bytes)
      yield* equal("mounted", yield* registry.mountBlob(`${repository}-mount`, repository, digest), true)
      yield* equal("size", (yield* registry.headBlob(`${repository}-mount`, digest)).size, bytes.byteLength)
    })
  },
  {
    name: "says that a blob has to be pushed which cannot be mounted",
    run: Effect.fnUntraced(function*(registry, repository) {
      yield* equal("mounted", yield* registry.mountBlob(`${repository}-mount`, repository, absent.digest), false)
    })
  },
  {
    name: "deletes a blob from one repository",
    run: Effect.fnUntraced(function*(registry, repository) {
      const bytes = bytesOf(`deleted from ${repository}`)
      const { digest } = describe(bytes)
      yield* registry.putBlob(repository, describe(bytes), bytes)
      yield* registry.mountBlob(`${repository}-keeps`, repository, digest)
      yield* registry.deleteBlob(repository, digest)
      yield* fails("head", registry.headBlob(repository, digest), "NotFound")
      yield* fails("second deletion", registry.deleteBlob(repository, digest), "NotFound")
      yield* equal("size elsewhere", (yield* registry.headBlob(`${repository}-keeps`, digest)).size, bytes.byteLength)
    })
  },
  {
    name: "refuses names that are none",
    run: Effect.fnUntraced(function*(registry, repository) {
      for (const name of ["", "Upper", "a//b", "../etc", "a/../b", "/a", "a/", "a b", "ä", "a".repeat(300)]) {
        yield* fails(`repository ${name}`, registry.headBlob(name, absent.digest), "Malformed")
        yield* fails(`repository ${name}`, registry.resolve(name, "v1"), "Malformed")
      }
      for (const tag of ["", ".x", "-x", "a/b", "../x", "a b", "x".repeat(129), "sha256:short", "md5:aaaa"]) {
        yield* fails(`reference ${tag}`, registry.resolve(repository, tag), "Malformed")
      }
    })
  }
]
