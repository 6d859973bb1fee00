/** Explanations as text. */
import type { Explanation, Found, NotFound } from "../../Explain.ts"
import type { Deviation } from "./combination.ts"

export const formatExplanation = (explanation: Explanation): string =>
  `${(explanation._tag === "Found" ? foundLines(explanation) : notFoundLines(explanation)).join("\n")}\n`

const foundLines = ({ alternatives, deviations, expected }: Found): ReadonlyArray<string> =>
  deviations.length === 0
    ? [`${expected} is the digest of this tree as it is, in the default format version (0, or 1 for whiteouts).`]
    : [
      `${expected} is the digest of this tree with`,
      ...deviations.map(deviationLine),
      ...alternatives.length === 0 ? [] : ["For this tree, the same is", ...alternatives.map(deviationLine)]
    ]

const deviationLine = ({ flags, meaning }: Deviation): string =>
  flags.length === 0 ? `  ${meaning}` : `  ${meaning} (${flags.join("; ")})`

const notFoundLines = (
  { attempts, expected, hints, impossible, isExhausted, tried, withoutEffect }: NotFound
): ReadonlyArray<string> => [
  `${expected} was not found in ${attempts} ${attempts === 1 ? "image" : "images"}; ${
    isExhausted ? "that was every combination." : "there are more combinations, raise the limit to try them."
  }`,
  ...section("Tried, alone and in combination:", tried),
  ...section("Makes no difference to this tree:", withoutEffect),
  ...section("Could not be tried:", impossible),
  ...hints.length === 0 ? [] : ["What else it may be:", ...hints.map((hint) => `  ${hint}`)]
]

const section = (title: string, deviations: ReadonlyArray<Deviation>): ReadonlyArray<string> =>
  deviations.length === 0 ? [] : [title, ...deviations.map(({ meaning }) => `  ${meaning}`)]
