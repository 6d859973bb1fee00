/** Writes the dump of a tree as large as wanted, always the same one: mostly external files, some small, some links. */
import { createHash } from "node:crypto"

export const generateDump = (lines: number): Buffer => {
  const text = ["/ 0 40755 2 0 0 0 0.0 - - -"]
  for (let number = 0; text.length < lines; number++) {
    const directory = `/usr-${number}`
    text.push(`${directory} 0 40755 2 0 0 0 0.0 - - -`)
    for (let file = 0; file < filesPerDirectory && text.length < lines; file++) {
      text.push(line(`${directory}/file-${String(file).padStart(2, "0")}`, number * filesPerDirectory + file))
    }
  }
  return Buffer.from(`${text.join("\n")}\n`)
}

const filesPerDirectory = 8

const line = (path: string, number: number): string => {
  if (number % 10 === 0) return `${path} 6 120777 1 0 0 0 0.0 target - -`
  if (number % 7 === 0) return `${path} 6 100644 1 0 0 0 0.0 - hello\\n -`
  // Every tenth content is that of another file too.
  const digest = createHash("sha256").update(String(number % 10 === 1 ? number % 1000 : number)).digest("hex")
  const size = 100 + (number * 7919) % 1_000_000
  return `${path} ${size} 100644 1 0 0 0 0.0 ${digest.slice(0, 2)}/${digest.slice(2)} - ${digest}`
}
