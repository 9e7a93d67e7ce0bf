import type { Cell } from '../schema/index.ts'

/** Says of an id that it was surely not added, or that it may have been: a set of hashes of 32 bits, in open addressing. */
export class IdFilter {
  #hashes = new Uint32Array(1024)
  #size = 0

  get size(): number {
    return this.#size
  }

  get bytes(): number {
    return this.#hashes.byteLength
  }

  add(id: readonly Cell[]): void {
    if (this.#size * 3 >= this.#hashes.length * 2) this.#grow()
    this.#insert(hashOf(id))
  }

  mayHave(id: readonly Cell[]): boolean {
    const hash = hashOf(id)
    const mask = this.#hashes.length - 1
    for (let at = hash & mask; ; at = (at + 1) & mask) {
      const found = this.#hashes[at]
      if (found === hash) return true
      if (found === 0) return false
    }
  }

  #insert(hash: number): void {
    const mask = this.#hashes.length - 1
    for (let at = hash & mask; ; at = (at + 1) & mask) {
      const found = this.#hashes[at]
      if (found === hash) return
      if (found !== 0) continue
      this.#hashes[at] = hash
      this.#size++
      return
    }
  }

  #grow(): void {
    const before = this.#hashes
    this.#hashes = new Uint32Array(before.length * 2)
    this.#size = 0
    for (const hash of before) if (hash !== 0) this.#insert(hash)
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
  return hash >>> 0 || 1
}

/** The step of MurmurHash3 (A. Appleby, public domain). */
function mixed(hash: number, word: number): number {
  let part = Math.imul(word, 0xcc9e2d51)
  part = Math.imul((part << 15) | (part >>> 17), 0x1b873593)
  const next = hash ^ part
  return (Math.imul((next << 13) | (next >>> 19), 5) + 0xe6546b64) | 0
}
