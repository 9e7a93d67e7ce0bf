import type { GroupRows } from './group-rows.ts'

/** The rows of each key in order of time. */
export class KeyTimes {
  /** Rows, key after key. */
  readonly order: Int32Array
  /** Where each key begins in `order`, and at last its length. */
  readonly starts: Int32Array
  readonly #times: Float64Array

  constructor({ keys, keyOf, times }: GroupRows) {
    this.#times = times
    this.starts = new Int32Array(keys.length + 1)
    for (const key of keyOf) this.starts[key + 1] = (this.starts[key + 1] as number) + 1
    for (let key = 0; key < keys.length; key++) this.starts[key + 1] = (this.starts[key] as number) + (this.starts[key + 1] as number)
    this.order = new Int32Array(keyOf.length)
    const next = this.starts.slice(0, -1)
    for (let row = 0; row < keyOf.length; row++) {
      const key = keyOf[row] as number
      const place = next[key] as number
      this.order[place] = row
      next[key] = place + 1
    }
    for (let key = 0; key < keys.length; key++)
      this.order.subarray(this.starts[key], this.starts[key + 1]).sort((a, b) => (times[a] as number) - (times[b] as number) || a - b)
  }

  /** The time of the key's first row at or after a moment; infinite where there is none. */
  nextFrom(key: number, moment: number): number {
    let low = this.starts[key] as number
    const end = this.starts[key + 1] as number
    let high = end
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#times[this.order[middle] as number] as number) < moment) low = middle + 1
      else high = middle
    }
    return low === end ? Number.POSITIVE_INFINITY : (this.#times[this.order[low] as number] as number)
  }
}
