import type { AskTimes } from './ask-times.ts'
import type { Questions } from './questions.ts'

/** One question in so many is asked apart from those before it. */
const apartEvery = 8

/** Which questions are asked after which arrival. */
export class AskedAt {
  readonly #starts: Int32Array
  readonly #questions: Int32Array

  /**
   * Of `count` arrivals. `choose` gives one between those at which a question can be asked, or null where none will do. One
   * question in `every` is asked at all.
   * Questions of one key that can be asked together mostly are: a key that was found costs little to be asked again.
   */
  constructor(
    count: number,
    { keys }: Questions,
    { first, last }: AskTimes,
    choose: (from: number, to: number) => number | null,
    random: (below: number) => number,
    every = 1,
  ) {
    let before = -1
    const places = first.map((from, question) => {
      const to = last[question] as number
      if (from > to || random(every) > 0) return -1
      const together = keys[question] === keys[question - 1] && from <= before && before <= to && random(apartEvery) > 0
      if (!together) before = choose(from, to) ?? -1
      return before
    })
    this.#starts = new Int32Array(count + 1)
    for (const place of places) if (place >= 0) this.#starts[place + 1] = (this.#starts[place + 1] as number) + 1
    for (let place = 0; place < count; place++)
      this.#starts[place + 1] = (this.#starts[place] as number) + (this.#starts[place + 1] as number)
    this.#questions = new Int32Array(this.#starts[count] as number)
    const next = this.#starts.slice(0, -1)
    for (const [question, place] of places.entries()) {
      if (place < 0) continue
      const at = next[place] as number
      this.#questions[at] = question
      next[place] = at + 1
    }
  }

  at(place: number): Int32Array {
    return this.#questions.subarray(this.#starts[place], this.#starts[place + 1])
  }
}

/** One of the ascending places that lie within `[from, to]`; null where none does. */
export function oneWithin(places: Int32Array, from: number, to: number, random: (below: number) => number): number | null {
  const first = firstFrom(places, from)
  const count = firstFrom(places, to + 1) - first
  return count === 0 ? null : (places[first + random(count)] as number)
}

function firstFrom(places: Int32Array, from: number): number {
  let low = 0
  let high = places.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((places[middle] as number) < from) low = middle + 1
    else high = middle
  }
  return low
}
