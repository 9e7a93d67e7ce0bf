const slabNumbers = 8192

/** Gives small arrays of doubles, all 0, out of memory that is made for many at once: memory of its own costs an array more than filling it. */
export class NumberSlab {
  #slab = new Float64Array(slabNumbers)
  #used = 0

  take(count: number): Float64Array {
    if (count > slabNumbers / 8) return new Float64Array(count)
    if (this.#used + count > slabNumbers) {
      this.#slab = new Float64Array(slabNumbers)
      this.#used = 0
    }
    this.#used += count
    return this.#slab.subarray(this.#used - count, this.#used)
  }
}
