/** Where this package and another program differ on purpose, each case with the section of the reference that has it. */

export type Kind = "c" | "rust"
export type Answer = { readonly image: Buffer } | { readonly refusal: string }

/** The name of the case, if it is one. */
export const accountFor = (kind: Kind, _text: Buffer, theirs: Answer, ours: Answer): string | undefined => {
  if ("refusal" in ours && "image" in theirs) {
    return (kind === "c" ? refusedHere : []).find(([pattern]) => pattern.test(ours.refusal))?.[1]
  }
  return undefined
}

const refusedHere: ReadonlyArray<readonly [pattern: RegExp, name: string]> = [
  [/: DIGEST: expected 64 or 128 hex/, "refused here: a DIGEST that C leaves uninitialised or cuts off (§2.1)"],
  [/: SIZE: expected a number of bytes/, "refused here: a negative SIZE (§3.12)"],
  [
    /: expected (?:a decimal number below 2\^64|an octal number|seconds, a dot, nanoseconds), got "[^"]*\d{20,}/,
    "refused here: a number of more than 64 bits, which C takes for 2^64 - 1"
  ],
  [/: (?:GID|RDEV): expected/, "refused here: a GID or RDEV that C does not look at unless UID is 0 (§2.1)"]
]
