// Lines for a person at a terminal.

export const short = (digest: string): string => digest.slice(0, digest.indexOf(":") + 13)

// oxlint-disable-next-line no-control-regex
const unprintable = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g

/** Names of files are what an image says; none of them moves the cursor or turns the line round. */
export const printable = (text: string): string =>
  text.replaceAll(unprintable, (character) => `\\u{${character.charCodeAt(0).toString(16)}}`)

export const table = (rows: ReadonlyArray<ReadonlyArray<string>>): ReadonlyArray<string> => {
  const widths = (rows[0] ?? []).map((_, column) =>
    rows.reduce((widest, row) => Math.max(widest, (row[column] ?? "").length), 0)
  )
  return rows.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ").trimEnd()}`)
}

export const section = (title: string, lines: ReadonlyArray<string>, shown = lines.length): ReadonlyArray<string> => {
  if (lines.length === 0) return []
  const hidden = lines.length - shown
  return ["", title, ...lines.slice(0, shown), ...(hidden > 0 ? [`  … and ${hidden} more`] : [])]
}
