import { type StateBase, type StateEvents, StateReader } from '../plan/index.ts'
import type { Cell } from '../schema/index.ts'
import { EventBuffer } from './event-buffer.ts'
import type { StateLayout } from './state-layout.ts'

/**
 * A key with many events: they lie in arrays of its own, and what was made of them for one read (series, where sessions begin,
 * summaries) is kept for the next, up to the first event that has changed since.
 */
export class HotKey {
  readonly events: EventBuffer
  readonly #layout: StateLayout
  #reader: StateReader | null = null
  /** The first position whose event is not what the reader knows. */
  #changedFrom = 0

  constructor(layout: StateLayout, events: StateEvents) {
    this.#layout = layout
    this.events = new EventBuffer(layout, Math.ceil((events.end - events.start) * 1.2)).assign(events)
  }

  get count(): number {
    return this.events.count
  }

  get bytes(): number {
    return this.events.bytes
  }

  /** The position of the event with the id of these cells, or -1. */
  find(time: number, cells: readonly Cell[]): number {
    const { events } = this
    // Most copies have the time of the first.
    const behind = events.placeOf(time, cells) - 1
    if (behind >= events.start && events.times[behind] === time && events.hasId(behind, cells)) return behind
    return events.find(cells)
  }

  /** Puts an event where it belongs; the place among the events. */
  insert(time: number, known: number, cells: readonly Cell[]): number {
    const { events } = this
    const moved = events.reserve()
    if (moved > 0) {
      this.#reader?.shift(moved)
      this.#changedFrom = Math.max(this.#changedFrom - moved, 0)
    }
    const at = events.placeOf(time, cells)
    events.insert(at, time, known, cells)
    this.#changedFrom = Math.min(this.#changedFrom, at)
    return at - events.start
  }

  /** Takes the event at a position out; the place that it had. */
  remove(at: number): number {
    this.events.remove(at)
    this.#changedFrom = Math.min(this.#changedFrom, at)
    return at - this.events.start
  }

  /** Lets go of the events before a position. */
  drop(from: number): void {
    this.events.start = from
  }

  /** Its features, until it changes; null where nothing is kept for reads, and nothing is to be made. */
  read(base: StateBase, make: boolean): StateReader | null {
    if (this.#reader === null && !make) return null
    this.#reader ??= new StateReader(this.#layout.plan, true)
    const from = Math.min(this.#changedFrom, this.events.end)
    this.#changedFrom = this.events.end
    return this.#reader.extend(this.events, base, from)
  }

  /** Lets go of what was made for reads. */
  forgetReads(): void {
    this.#reader = null
    this.#changedFrom = 0
  }
}
