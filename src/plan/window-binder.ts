import { type BoundWindow, extendSessionStarts, extendSinceStarts, sessionStarts, sinceStarts } from '../aggregation/index.ts'
import type { WindowData } from '../definition/index.ts'
import type { BlockColumns } from './block-columns.ts'
import type { EventBlock } from './event-block.ts'

/** Binds one window of a plan to blocks of events. */
export class WindowBinder {
  readonly #window: WindowData
  readonly #matches: (row: number) => boolean
  /** Of the block that grows. */
  #starts = new Int32Array(0)

  constructor(window: WindowData, columns: BlockColumns) {
    this.#window = window
    this.#matches = window.kind === 'since' ? columns.filter(window.condition) : () => false
  }

  bind({ times, keyStarts }: EventBlock): BoundWindow {
    const window = this.#window
    if (window.kind === 'session') return { ...window, starts: sessionStarts(times, keyStarts, window.gap) }
    if (window.kind === 'since') return this.#since(window, sinceStarts(this.#matches, keyStarts, times.length))
    return window
  }

  /** As `bind`, of a block of one key that grows: what was made of the events before position `from` is kept. */
  extend({ times, keyStarts }: EventBlock, from: number): BoundWindow {
    const window = this.#window
    if (window.kind !== 'session' && window.kind !== 'since') return window
    const [start, end] = keyStarts as unknown as readonly [number, number]
    if (end > this.#starts.length) {
      const larger = new Int32Array(Math.ceil(end * 1.25))
      larger.set(this.#starts)
      this.#starts = larger
    }
    const first = Math.max(from, start)
    if (window.kind === 'session') extendSessionStarts(this.#starts, times, window.gap, start, first, end)
    else extendSinceStarts(this.#starts, this.#matches, start, first, end)
    return window.kind === 'session' ? { ...window, starts: this.#starts } : this.#since(window, this.#starts)
  }

  /** The events of the block that grows have moved to the front by so many positions. */
  shift(events: number): void {
    const starts = this.#starts
    const end = starts.length - events
    for (let i = 0; i < end; i++) starts[i] = Math.max((starts[i + events] as number) - events, 0)
  }

  #since({ delay }: WindowData, starts: Int32Array): BoundWindow {
    return { kind: 'since', delay, starts }
  }
}
