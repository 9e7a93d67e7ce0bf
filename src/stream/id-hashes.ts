import type { Cell } from '../schema/index.ts'

const segmentBits = 6
const smallest = 16

/**
 * Says of an id that no event in memory has it, or that one may: the hashes of the ids of all events, of 32 bits each. They lie in
 * segments, each a table in open addressing, so that growing is done a little at a time.
 */
export class IdHashes {
  readonly #segments = Array.from({ length: 1 << segmentBits }, () => new Segment())
  #bytes = (4 * smallest) << segmentBits

  get bytes(): number {
    return this.#bytes
  }

  add(id: readonly Cell[]): void {
    const hash = hashOf(id)
    const segment = this.#segmentOf(hash)
    this.#bytes -= segment.bytes
    segment.add(hash)
    this.#bytes += segment.bytes
  }

  /** Takes back one `add` of the id. */
  remove(id: readonly Cell[]): void {
    const hash = hashOf(id)
    const segment = this.#segmentOf(hash)
    this.#bytes -= segment.bytes
    segment.remove(hash)
    this.#bytes += segment.bytes
  }

  mayHave(id: readonly Cell[]): boolean {
    const hash = hashOf(id)
    return this.#segmentOf(hash).has(hash)
  }

  #segmentOf(hash: number): Segment {
    return this.#segments[hash >>> (32 - segmentBits)] as Segment
  }
}

/** A multiset of hashes, none of which is 0. */
class Segment {
  #hashes = new Uint32Array(smallest)
  #size = 0

  get bytes(): number {
    return this.#hashes.byteLength
  }

  has(hash: number): boolean {
    const hashes = this.#hashes
    const mask = hashes.length - 1
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const found = hashes[slot]
      if (found === hash) return true
      if (found === 0) return false
    }
  }

  add(hash: number): void {
    if (this.#size * 3 >= this.#hashes.length * 2) this.#resize(this.#hashes.length * 2)
    this.#enter(hash)
    this.#size++
  }

  remove(hash: number): void {
    const hashes = this.#hashes
    const mask = hashes.length - 1
    let gap = hash & mask
    while (hashes[gap] !== hash) gap = (gap + 1) & mask
    // Those behind it move up, so that no gap stands between a hash and the slot where its search begins.
    for (let next = (gap + 1) & mask; hashes[next] !== 0; next = (next + 1) & mask) {
      const begins = (hashes[next] as number) & mask
      if (((next - begins) & mask) < ((next - gap) & mask)) continue
      hashes[gap] = hashes[next] as number
      gap = next
    }
    hashes[gap] = 0
    this.#size--
    if (hashes.length > smallest && this.#size * 6 < hashes.length) this.#resize(hashes.length / 2)
  }

  #enter(hash: number): void {
    const hashes = this.#hashes
    const mask = hashes.length - 1
    let slot = hash & mask
    while (hashes[slot] !== 0) slot = (slot + 1) & mask
    hashes[slot] = hash
  }

  #resize(length: number): void {
    const before = this.#hashes
    this.#hashes = new Uint32Array(length)
    for (const hash of before) if (hash !== 0) this.#enter(hash)
  }
}

const floats = new Float64Array(1)
const words = new Uint32Array(floats.buffer)

/** Never 0, which stands for none. */
function hashOf(id: readonly Cell[]): number {
  let hash = 0x811c9dc5
  for (const cell of id) {
    if (typeof cell === 'number') {
      floats[0] = cell + 0
      hash = mixed(mixed(hash, words[0] as number), words[1] as number)
    } else {
      const text = typeof cell === 'string' ? cell : String(cell)
      for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
      hash = mixed(hash, text.length)
    }
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0 || 1
}

/** A step of MurmurHash3 (A. Appleby, public domain). */
function mixed(hash: number, word: number): number {
  let part = Math.imul(word, 0xcc9e2d51)
  part = Math.imul((part << 15) | (part >>> 17), 0x1b873593)
  const next = hash ^ part
  return (Math.imul((next << 13) | (next >>> 19), 5) + 0xe6546b64) | 0
}
