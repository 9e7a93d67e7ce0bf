/**
 * A seeded source of chance: xoshiro128** (Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2021),
 * its state filled by splitmix32. Only integers, and doubles under + - * / and floor, which IEEE 754 fixes to the bit,
 * so that a seed gives the same shop on every machine; Math.log or Math.pow would not.
 */
export class Random {
  #a: number
  #b: number
  #c: number
  #d: number

  /** Each stream of a seed is a sequence of its own. */
  constructor(seed: number, stream: number) {
    let state = 0
    const mix = (word: number) => {
      state = (state + word + 0x9e3779b9) | 0
      let z = Math.imul(state ^ (state >>> 16), 0x21f0aaad)
      z = Math.imul(z ^ (z >>> 15), 0x735a2d97)
      state = z ^ (z >>> 15)
      return state
    }
    mix(seed >>> 0)
    mix(Math.floor(seed / 2 ** 32) >>> 0)
    this.#a = mix(stream)
    this.#b = mix(1)
    this.#c = mix(2)
    this.#d = mix(3) | 1
  }

  /** 32 random bits. */
  bits(): number {
    const product = Math.imul(this.#b, 5)
    const result = Math.imul((product << 7) | (product >>> 25), 9)
    const shifted = this.#b << 9
    this.#c ^= this.#a
    this.#d ^= this.#b
    this.#b ^= this.#c
    this.#a ^= this.#d
    this.#c ^= shifted
    this.#d = (this.#d << 11) | (this.#d >>> 21)
    return result >>> 0
  }

  /** A number in [0, 1), a multiple of 2^-53. */
  unit(): number {
    return ((this.bits() >>> 5) * 2 ** 26 + (this.bits() >>> 6)) / 2 ** 53
  }

  /** A whole number from 0 to `count - 1`. */
  below(count: number): number {
    return Math.floor(this.unit() * count)
  }

  /** A whole number from `smallest` to `largest`, both included. */
  between(smallest: number, largest: number): number {
    return smallest + this.below(largest - smallest + 1)
  }

  chance(probability: number): boolean {
    return this.unit() < probability
  }

  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)] as T
  }

  /** A whole number of which half lie below `median` and a few far above, up to `largest` (log-logistic with shape 1). */
  heavyTail(median: number, largest: number): number {
    const unit = this.unit()
    return Math.min(largest, Math.floor((median * unit) / (1 - unit)))
  }
}

/** Draws places of a list in proportion to their weights. */
export class WeightedChoice {
  readonly #cumulative: Float64Array
  readonly #total: number

  constructor(weights: readonly number[]) {
    this.#cumulative = Float64Array.from(weights)
    for (let place = 1; place < weights.length; place++) {
      this.#cumulative[place] = (this.#cumulative[place - 1] as number) + (weights[place] as number)
    }
    this.#total = this.#cumulative.at(-1) ?? 0
  }

  pick(random: Random): number {
    const wanted = random.unit() * this.#total
    let low = 0
    let high = this.#cumulative.length - 1
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#cumulative[middle] as number) > wanted) high = middle
      else low = middle + 1
    }
    return low
  }
}

/** Weights of popularity: the first place far ahead, then ever flatter (Zipf-Mandelbrot with exponent 1). */
export function zipfWeights(count: number, flatness: number): number[] {
  return Array.from({ length: count }, (_, rank) => 1 / (rank + 1 + flatness))
}
