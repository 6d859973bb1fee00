/**
 * in-toto statements in DSSE envelopes: what is said (`predicateType`, `predicate`) and of which artifacts (`subject`).
 *
 * A statement binds a signature to an artifact only through the digests of its subjects; names are decoration
 * (in-toto attestation framework, "Statement" v1 and v0.1; DSSE protocol v1).
 *
 * @since 0.1.0
 */
import { Digest } from "@lamina/oci"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { Limits } from "./Limits.ts"
import * as Rejection from "./Rejection.ts"

/**
 * The payload type of a DSSE envelope that holds a statement, and the only one that is read.
 *
 * @category constants
 * @since 0.1.0
 */
export const payloadType = "application/vnd.in-toto+json"

/**
 * The predicate type by which cosign says "this image is signed". An attestation of any other type is no signature.
 *
 * @category constants
 * @since 0.1.0
 */
export const signaturePredicateType = "https://sigstore.dev/cosign/sign/v1"

/**
 * One artifact that a statement is about.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Subject = Schema.Struct({
  name: Schema.optionalKey(Schema.String),
  digest: Schema.Record(Schema.String, Schema.String).check(Schema.isMinProperties(1)),
  annotations: Schema.optionalKey(Schema.Record(Schema.String, Schema.Unknown))
})

/**
 * An in-toto statement, version 1 or 0.1.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Statement = Schema.Struct({
  _type: Schema.Literals(["https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1"]),
  subject: Schema.Array(Subject).check(Schema.isMinLength(1)),
  predicateType: Schema.String,
  predicate: Schema.optionalKey(Schema.Unknown)
})

/**
 * An in-toto statement, version 1 or 0.1.
 *
 * @category models
 * @since 0.1.0
 */
export type Statement = typeof Statement.Type

/**
 * Makes a statement about one artifact.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: {
  readonly name?: string | undefined
  readonly digest: Digest.Digest
  readonly predicateType: string
  readonly predicate?: unknown
  readonly annotations?: { readonly [name: string]: string } | undefined
}): Statement => ({
  _type: "https://in-toto.io/Statement/v1",
  subject: [{
    ...(options.name === undefined ? {} : { name: options.name }),
    digest: { [Digest.algorithm(options.digest)]: Digest.hex(options.digest) },
    ...(options.annotations === undefined ? {} : { annotations: options.annotations })
  }],
  predicateType: options.predicateType,
  predicate: options.predicate ?? {}
})

/**
 * The JSON document of a statement as bytes.
 *
 * @category encoding
 * @since 0.1.0
 */
export const encode = (statement: Statement): Uint8Array => new TextEncoder().encode(JSON.stringify(statement))

/**
 * Reads the statement out of an envelope's payload type and payload.
 *
 * @category parsing
 * @since 0.1.0
 */
export const parse = (
  envelope: { readonly payloadType: string; readonly payload: Uint8Array },
  limits: Limits
): Result.Result<Statement, Rejection.Rejection> =>
  Result.gen(function*() {
    if (envelope.payloadType !== payloadType) {
      return yield* Rejection.fail({
        _tag: "UnsupportedFormat",
        what: "DSSE payload type",
        actual: envelope.payloadType,
        supported: [payloadType]
      })
    }
    const statement = yield* Result.mapError(
      decode(envelope.payload),
      (error) => Rejection.malformed("in-toto statement", error)
    )
    if (statement.subject.length > limits.subjects) {
      const actual = statement.subject.length
      return yield* Rejection.fail({
        _tag: "LimitExceeded",
        what: "subjects of a statement",
        limit: limits.subjects,
        actual
      })
    }
    const actual = statement.subject.reduce((most, { digest }) => Math.max(most, Object.keys(digest).length), 0)
    return actual > limits.digestsPerSubject
      ? yield* Rejection.fail({
        _tag: "LimitExceeded",
        what: "digests of a subject",
        limit: limits.digestsPerSubject,
        actual
      })
      : statement
  })

/**
 * The subject that is the artifact: the first one with this exact digest.
 *
 * @category validation
 * @since 0.1.0
 */
export const subjectOf = (
  statement: Statement,
  digest: Digest.Digest
): Result.Result<typeof Subject.Type, Rejection.Rejection> => {
  const subject = statement.subject.find((subject) => subject.digest[Digest.algorithm(digest)] === Digest.hex(digest))
  return subject === undefined
    ? Rejection.fail({
      _tag: "SubjectMismatch",
      expected: digest,
      actual: statement.subject.slice(0, 4).flatMap(digests)
    })
    : Result.succeed(subject)
}

/**
 * Checks that a statement is of one of the wanted types.
 *
 * @category validation
 * @since 0.1.0
 */
export const checkPredicateType = (
  statement: Statement,
  expected: ReadonlyArray<string>
): Result.Result<void, Rejection.Rejection> =>
  expected.includes(statement.predicateType)
    ? Result.void
    : Rejection.fail({ _tag: "PredicateMismatch", expected, actual: statement.predicateType })

const decodeText = Schema.decodeUnknownResult(Schema.fromJsonString(Statement))

const decode = (payload: Uint8Array) =>
  Result.flatMap(
    Result.mapError(
      Result.try(() => new TextDecoder("utf-8", { fatal: true }).decode(payload)),
      () => new Error("not UTF-8")
    ),
    (text) => decodeText(text)
  )

const digests = (subject: typeof Subject.Type): ReadonlyArray<string> =>
  Object.entries(subject.digest).slice(0, 4).map(([algorithm, hex]) => `${algorithm}:${hex}`)
