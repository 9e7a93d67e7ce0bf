/** Which questions are asked after which arrival. */
export class AskedAt {
  readonly #starts: Int32Array
  readonly #questions: Int32Array

  /**
   * Of `count` arrivals. A question can be asked from the one at `first` to the one at `last`; `choose` gives one of
   * `[from, to]`, or null where it is not to be asked.
   */
  constructor(count: number, first: Int32Array, last: Int32Array, choose: (from: number, to: number) => number | null) {
    const places = first.map((from, question) => {
      const to = last[question] as number
      return from > to ? -1 : (choose(from, to) ?? -1)
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
