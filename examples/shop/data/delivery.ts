import type { Random } from './random.ts'
import { hour, minute, second } from './span.ts'
import type { Sink } from './staging.ts'
import type { EventTable, Row } from './tables.ts'

const longestLateness = 6 * hour

/**
 * How events reach the files: mostly within seconds, a few late by minutes to hours, a few twice.
 * The files hold them roughly in the order of arrival.
 */
export class Delivery {
  readonly #random: Random
  readonly #sink: Sink
  late = 0
  duplicates = 0

  constructor(random: Random, sink: Sink) {
    this.#random = random
    this.#sink = sink
  }

  /** When an event that happens at `at` becomes known. */
  ingestedAt(at: number): number {
    if (!this.#random.chance(0.02)) return at + 20 + this.#random.heavyTail(200, 5 * second)
    this.late++
    return at + minute + this.#random.heavyTail(10 * minute, longestLateness - minute)
  }

  send<T extends EventTable>(table: T, row: Row<T> & { readonly ingested_at: number }): void {
    const arrived = row.ingested_at + this.#random.below(2 * second)
    this.#sink.write(table, row, arrived)
    if (!this.#random.chance(0.005)) return
    this.duplicates++
    const again = arrived + second + this.#random.heavyTail(minute, longestLateness)
    // Half of the copies are stamped anew. Order lines never: a late copy would then undo a correction.
    const restamped = table !== 'orders' && this.#random.chance(0.5)
    this.#sink.write(table, restamped ? { ...row, ingested_at: again } : row, again)
  }
}
