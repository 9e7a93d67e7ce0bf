import type { ByteReader, ByteWriter } from '../lib/bytes.ts'
import { compareNumbers } from './order.ts'

/** As many new numbers are inserted one by one; more are sorted and merged in. */
const fewNumbers = 8

/** A multiset of numbers in rising order, NaN last; -0 is 0. New ones wait unsorted until the order is asked for. */
export class SortedNumbers {
  #sorted: number[] = []
  #waiting: number[] = []

  get size(): number {
    return this.#sorted.length + this.#waiting.length
  }

  add(value: number): void {
    this.#waiting.push(value + 0)
  }

  remove(value: number): void {
    const sorted = this.inOrder()
    sorted.splice(this.#position(value) - 1, 1)
  }

  merge(other: SortedNumbers): void {
    for (const value of other.#sorted) this.#waiting.push(value)
    for (const value of other.#waiting) this.#waiting.push(value)
  }

  /** The numbers in order, valid until the next change. */
  inOrder(): number[] {
    const waiting = this.#waiting
    if (waiting.length === 0) return this.#sorted
    this.#waiting = []
    if (waiting.length <= fewNumbers) for (const value of waiting) this.#sorted.splice(this.#position(value), 0, value)
    else this.#sorted = merged(this.#sorted, Float64Array.from(waiting).sort())
    return this.#sorted
  }

  /** How many of the sorted numbers do not come after this one. */
  #position(value: number): number {
    let low = 0
    let high = this.#sorted.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (compareNumbers(this.#sorted[middle] as number, value) <= 0) low = middle + 1
      else high = middle
    }
    return low
  }

  encode(writer: ByteWriter): void {
    const sorted = this.inOrder()
    writer.unsigned(sorted.length)
    for (const value of sorted) writer.float64(Number.isNaN(value) ? NaN : value)
  }

  static decode(reader: ByteReader): SortedNumbers {
    const numbers = new SortedNumbers()
    numbers.#sorted = Array.from({ length: reader.unsigned() }, () => reader.float64())
    return numbers
  }
}

function merged(a: ArrayLike<number>, b: ArrayLike<number>): number[] {
  const result: number[] = []
  let left = 0
  let right = 0
  while (left < a.length && right < b.length) {
    const isLeft = compareNumbers(a[left] as number, b[right] as number) <= 0
    result.push((isLeft ? a[left++] : b[right++]) as number)
  }
  while (left < a.length) result.push(a[left++] as number)
  while (right < b.length) result.push(b[right++] as number)
  return result
}
