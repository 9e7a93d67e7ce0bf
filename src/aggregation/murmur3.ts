const [c1, c2, c3, c4] = [0x239b961b, 0xab0e9789, 0x38b34ae5, 0xa1e38b93] as const

const rotate = (value: number, count: number) => (value << count) | (value >>> (32 - count))
const scramble = (word: number, first: number, count: number, second: number) => Math.imul(rotate(Math.imul(word, first), count), second)

function finalize(word: number): number {
  const first = Math.imul(word ^ (word >>> 16), 0x85ebca6b)
  const second = Math.imul(first ^ (first >>> 13), 0xc2b2ae35)
  return second ^ (second >>> 16)
}

/**
 * MurmurHash3 of 128 bits in its form for 32-bit processors (A. Appleby, 2011, public domain), as four words in `hash`.
 * It keeps no secrets; its bits pass the tests of SMHasher.
 */
export function murmur3(bytes: Uint8Array, seed: number, hash: Uint32Array): void {
  const { length } = bytes
  /** Four bytes, the lowest first; zeros behind the end, and a word of zeros changes nothing there. */
  const word = (start: number) => {
    let value = 0
    for (let index = Math.min(start + 4, length) - 1; index >= start; index--) value = (value << 8) | (bytes[index] as number)
    return value
  }
  let h1 = seed
  let h2 = seed
  let h3 = seed
  let h4 = seed
  let at = 0
  for (; at + 16 <= length; at += 16) {
    h1 ^= scramble(word(at), c1, 15, c2)
    h1 = (Math.imul(rotate(h1, 19) + h2, 5) + 0x561ccd1b) | 0
    h2 ^= scramble(word(at + 4), c2, 16, c3)
    h2 = (Math.imul(rotate(h2, 17) + h3, 5) + 0x0bcaa747) | 0
    h3 ^= scramble(word(at + 8), c3, 17, c4)
    h3 = (Math.imul(rotate(h3, 15) + h4, 5) + 0x96cd1c35) | 0
    h4 ^= scramble(word(at + 12), c4, 18, c1)
    h4 = (Math.imul(rotate(h4, 13) + h1, 5) + 0x32ac3b17) | 0
  }
  h1 ^= scramble(word(at), c1, 15, c2) ^ length
  h2 ^= scramble(word(at + 4), c2, 16, c3) ^ length
  h3 ^= scramble(word(at + 8), c3, 17, c4) ^ length
  h4 ^= scramble(word(at + 12), c4, 18, c1) ^ length
  h1 = (h1 + h2 + h3 + h4) | 0
  h2 = finalize(h2 + h1)
  h3 = finalize(h3 + h1)
  h4 = finalize(h4 + h1)
  h1 = finalize(h1)
  hash[0] = h1 + h2 + h3 + h4
  hash[1] = h2 + (hash[0] as number)
  hash[2] = h3 + (hash[0] as number)
  hash[3] = h4 + (hash[0] as number)
}
