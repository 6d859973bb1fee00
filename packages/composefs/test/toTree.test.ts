import { assert, describe, it } from "@effect/vitest"
import { constants } from "node:buffer"
import { fileType } from "../src/internal/fileType.ts"
import { EntryTable, rootEntry } from "../src/internal/table/entryTable.ts"
import { toTree } from "../src/internal/table/toTree.ts"

describe("toTree", () => {
  it("reads a table whose texts are longer together than any string", () => {
    const table = new EntryTable({ entries: 2, bytes: constants.MAX_STRING_LENGTH + 4096 })
    table.addRoot()
    table.mode[rootEntry] = fileType.directory | 0o755
    // What is between is never touched.
    table.arena.size = constants.MAX_STRING_LENGTH + 1
    const name = Buffer.from("n\u00fc")
    table.mode[table.addBytes(rootEntry, name, 0, name.length)] = fileType.fifo | 0o644
    assert.deepEqual([...toTree(table).root.entries.keys()], ["n\u00fc"])
  })
})
