// SHA-256 (FIPS 180-4) in plain JavaScript. WebCrypto's digest is asynchronous and Node's is Node's; a fingerprint
// and a plan hash are part of pure functions and cover a few kilobytes, so this is the simplest thing that serves both.

const initialState = [
  0x6a09e667,
  0xbb67ae85,
  0x3c6ef372,
  0xa54ff53a,
  0x510e527f,
  0x9b05688c,
  0x1f83d9ab,
  0x5be0cd19
]

const isPrime = (candidate: number): boolean => {
  for (let divisor = 2; divisor * divisor <= candidate; divisor++) if (candidate % divisor === 0) return false
  return true
}

// The first 32 bits of the fractional parts of the cube roots of the first 64 primes (FIPS 180-4, 4.2.2).
const roundConstants = (() => {
  const constants = new Uint32Array(64)
  for (let candidate = 2, index = 0; index < 64; candidate++) {
    if (isPrime(candidate)) constants[index++] = (Math.cbrt(candidate) % 1) * 0x1_0000_0000
  }
  return constants
})()

const rotate = (word: number, bits: number): number => (word >>> bits) | (word << (32 - bits))

const at = (words: Uint32Array, index: number): number => words[index] ?? 0

/** The message, a one bit, zeros, and the length in bits, to a multiple of 64 bytes. */
const pad = (message: Uint8Array): DataView => {
  const padded = new Uint8Array(Math.ceil((message.length + 9) / 64) * 64)
  padded.set(message)
  padded[message.length] = 0x80
  const view = new DataView(padded.buffer)
  view.setUint32(padded.length - 8, Math.floor(message.length / 0x2000_0000))
  view.setUint32(padded.length - 4, message.length << 3)
  return view
}

const schedule = (block: DataView, offset: number, words: Uint32Array): void => {
  for (let t = 0; t < 16; t++) words[t] = block.getUint32(offset + t * 4)
  for (let t = 16; t < 64; t++) {
    const early = at(words, t - 15)
    const late = at(words, t - 2)
    const sigma0 = rotate(early, 7) ^ rotate(early, 18) ^ (early >>> 3)
    const sigma1 = rotate(late, 17) ^ rotate(late, 19) ^ (late >>> 10)
    words[t] = at(words, t - 16) + sigma0 + at(words, t - 7) + sigma1
  }
}

const compress = (state: Uint32Array, words: Uint32Array): void => {
  let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = state
  for (let t = 0; t < 64; t++) {
    const sum1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)
    const choice = (e & f) ^ (~e & g)
    const temporary = (h + sum1 + choice + at(roundConstants, t) + at(words, t)) | 0
    const sum0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)
    const majority = (a & b) ^ (a & c) ^ (b & c)
    h = g
    g = f
    f = e
    e = (d + temporary) | 0
    d = c
    c = b
    b = a
    a = (temporary + sum0 + majority) | 0
  }
  for (const [index, word] of [a, b, c, d, e, f, g, h].entries()) state[index] = at(state, index) + word
}

/** The digest of a text's UTF-8 bytes, as `sha256:` and 64 hexadecimal digits. */
export const digestOf = (text: string): string => {
  const message = pad(new TextEncoder().encode(text))
  const state = Uint32Array.from(initialState)
  const words = new Uint32Array(64)
  for (let offset = 0; offset < message.byteLength; offset += 64) {
    schedule(message, offset, words)
    compress(state, words)
  }
  return `sha256:${Array.from(state, (word) => word.toString(16).padStart(8, "0")).join("")}`
}
