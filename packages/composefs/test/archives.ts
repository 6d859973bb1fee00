/** Writes tar archives of every dialect, right and wrong ones. */

export interface Item {
  readonly path: string
  /** One character; "" is the NUL of v7. Default "0". */
  readonly type?: string
  readonly body?: string | Uint8Array
  readonly mode?: number
  readonly uid?: number
  readonly gid?: number
  readonly mtime?: number
  readonly link?: string
  readonly major?: number
  readonly minor?: number
  /** What the header says, where that is not the body's size. */
  readonly size?: number
  readonly dialect?: "ustar" | "gnu" | "v7"
  /** Records of a PAX header in front. */
  readonly pax?: Readonly<Record<string, string>>
  /** Numbers as GNU's base-256. */
  readonly binary?: boolean
}

export const directory = (path: string, rest?: Partial<Item>): Item => ({ path, type: "5", mode: 0o755, ...rest })
export const file = (path: string, body: string | Uint8Array = "", rest?: Partial<Item>): Item => ({
  path,
  body,
  ...rest
})
export const symlink = (path: string, link: string): Item => ({ path, type: "2", link, mode: 0o777 })
export const hardLink = (path: string, link: string): Item => ({ path, type: "1", link })
export const whiteout = (path: string): Item => file(path.replace(/([^/]+)$/, ".wh.$1"))
export const opaque = (path: string): Item => file(`${path === "" ? "" : `${path}/`}.wh..wh..opq`)

export const archive = (items: ReadonlyArray<Item>, end: Uint8Array = new Uint8Array(1024)): Buffer =>
  Buffer.concat([...items.map(entry), end])

const entry = (item: Item): Buffer => {
  const own = Buffer.concat([header(item), body(item.body ?? "")])
  return item.pax === undefined ? own : Buffer.concat([extension("x", records(item.pax)), own])
}

/** A header of its own with a body: PAX, GNU's long names. */
export const extension = (type: string, content: string | Uint8Array): Buffer =>
  Buffer.concat([header({ path: "././@LongLink", type, body: content, dialect: "gnu" }), body(content)])

export const records = (pax: Readonly<Record<string, string>>): string =>
  Object.entries(pax).map(([key, value]) => record(key, value)).join("")

const record = (key: string, value: string): string => {
  const rest = Buffer.byteLength(` ${key}=${value}\n`)
  let length = rest
  while (String(length).length + rest !== length) length = String(length).length + rest
  return `${length} ${key}=${value}\n`
}

const body = (content: string | Uint8Array): Buffer => {
  const bytes = Buffer.from(content)
  return Buffer.concat([bytes, Buffer.alloc((512 - bytes.length % 512) % 512)])
}

const magics = { ustar: "ustar\u000000", gnu: "ustar  \0", v7: "" }

const header = (item: Item): Buffer => {
  const block = Buffer.alloc(512)
  const number = (at: number, size: number, value: number) => {
    if (item.binary === true) {
      block.write(BigInt.asUintN(size * 8, BigInt(value)).toString(16).padStart(size * 2, "0"), at, "hex")
      block[at] = value < 0 ? 0xff : 0x80
    } else block.write(value.toString(8).padStart(size - 1, "0"), at, "latin1")
  }
  block.write(item.path, 0, 100, "utf8")
  number(100, 8, item.mode ?? 0o644)
  number(108, 8, item.uid ?? 0)
  number(116, 8, item.gid ?? 0)
  number(124, 12, item.size ?? Buffer.from(item.body ?? "").length)
  number(136, 12, item.mtime ?? 0)
  block.write(item.type ?? "0", 156, "latin1")
  block.write(item.link ?? "", 157, 100, "utf8")
  block.write(magics[item.dialect ?? "ustar"], 257, "latin1")
  if (item.dialect !== "v7") {
    block.write((item.major ?? 0).toString(8).padStart(7, "0"), 329, "latin1")
    block.write((item.minor ?? 0).toString(8).padStart(7, "0"), 337, "latin1")
  }
  return sealed(block)
}

/** Puts the right checksum into a header block. */
export const sealed = (block: Buffer): Buffer => {
  block.fill(0x20, 148, 156)
  const sum = block.reduce((sum, byte) => sum + byte, 0)
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1")
  return block
}
