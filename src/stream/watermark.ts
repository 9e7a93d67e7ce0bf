import type { Micros } from '../lib/moment.ts'

/**
 * How far the event time of a unit has come: what is older by more than the lateness is no longer waited for. Where records
 * of several partitions of the source meet, the one that is behind decides, as nothing bounds how far one may be ahead of
 * another; one that never had an event holds back what can be forgotten, and no more.
 */
export class Watermark {
  readonly #newest = new Map<number, Micros>()
  readonly #partitions: number
  #value: Micros | null

  constructor(value: Micros | null, partitions: number) {
    this.#value = value
    this.#partitions = partitions
  }

  /** Events up to this time came from a partition; -Infinity where there were none. */
  saw(partition: number, time: Micros): void {
    if (time <= (this.#newest.get(partition) ?? Number.NEGATIVE_INFINITY)) return
    this.#newest.set(partition, time)
    if (this.#newest.size < this.#partitions) return
    const least = Math.min(...this.#newest.values())
    if (this.#value === null || least > this.#value) this.#value = least
  }

  /** Microseconds; null before it is known. Never goes back. */
  get value(): Micros | null {
    return this.#value
  }
}
