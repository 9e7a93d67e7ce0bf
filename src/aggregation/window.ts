/**
 * A window bound to the events of a block: `time` holds the event times of one key after the other, each key in event
 * order. Positions are indexes into it; a key has `[start, end)`.
 */
export type BoundWindow =
  | { readonly kind: 'lifetime'; readonly delay: number }
  | { readonly kind: 'sliding'; readonly delay: number; readonly length: number; readonly resolution: number }
  | { readonly kind: 'tumbling'; readonly delay: number; readonly length: number; readonly part: 'current' | 'last' }
  /** `starts[i]`: position of the first event of the session that event i is in. */
  | { readonly kind: 'session'; readonly delay: number; readonly gap: number; readonly starts: Int32Array }
  /** `starts[i]`: the position after the last matching event at or before i; the key's start where none matches. */
  | { readonly kind: 'since'; readonly delay: number; readonly starts: Int32Array }

/**
 * Finds which of a key's events a window holds at a moment. Moments may come in any order; ascending ones are cheap.
 * After `seek(q)` the events are those at positions `[low, high)`, and `asOf` is `q - delay`.
 */
export class WindowCursor {
  low = 0
  high = 0
  asOf = 0
  /** The moment at which a sliding or tumbling window begins. */
  left = 0
  #window: BoundWindow = { kind: 'lifetime', delay: 0 }
  #times: Float64Array = new Float64Array(0)
  #start = 0
  #end = 0

  /** Takes other events. */
  bind(window: BoundWindow, times: Float64Array): void {
    this.#window = window
    this.#times = times
  }

  /** Goes to the key whose events are at `[start, end)`. */
  load(start: number, end: number): void {
    this.#start = start
    this.#end = end
    this.low = start
    this.high = start
  }

  /** Goes on with the loaded key after its events have changed: it now has `[start, end)`. */
  extend(window: BoundWindow, times: Float64Array, start: number, end: number): void {
    this.bind(window, times)
    this.#start = start
    this.#end = end
    this.low = Math.min(Math.max(this.low, start), end)
    this.high = Math.min(Math.max(this.high, start), end)
  }

  /** The events have moved to the front by so many positions. */
  shift(events: number): void {
    this.#start -= events
    this.#end -= events
    this.low = Math.max(this.low - events, this.#start)
    this.high = Math.max(this.high - events, this.#start)
  }

  seek(q: number): void {
    const window = this.#window
    const moment = q - window.delay
    this.asOf = moment
    this.high = this.#position(moment, this.high)
    switch (window.kind) {
      case 'lifetime':
        this.low = this.#start
        return
      case 'sliding': {
        const left = moment - window.length
        this.left = window.resolution === 0 ? left : Math.floor(left / window.resolution) * window.resolution
        this.low = this.#position(this.left, this.low)
        return
      }
      case 'tumbling': {
        const bucket = Math.floor(moment / window.length) * window.length
        if (window.part === 'last') this.high = this.#position(bucket, this.high)
        this.left = window.part === 'last' ? bucket - window.length : bucket
        this.low = this.#position(this.left, this.low)
        return
      }
      case 'session':
        this.low =
          this.high === this.#start || moment - (this.#times[this.high - 1] as number) > window.gap
            ? this.high
            : (window.starts[this.high - 1] as number)
        return
      case 'since':
        this.low = this.high === this.#start ? this.high : (window.starts[this.high - 1] as number)
    }
  }

  /** The position from which events have to be kept so that any moment from `q` on can be answered; a lifetime needs a state of those before. */
  keepFrom(q: number): number {
    this.seek(q)
    return this.#window.kind === 'lifetime' ? this.high : this.low
  }

  /**
   * The moment from which on events may still come, go and change, once those before `keepFrom(q)` are gone: what any moment
   * from `q` on sees stays exact.
   */
  openFrom(q: number): number {
    this.seek(q)
    const window = this.#window
    switch (window.kind) {
      case 'lifetime':
        return this.asOf
      case 'sliding':
      case 'tumbling':
        return this.left
      case 'session':
        return this.low < this.high ? (this.#times[this.low] as number) : this.asOf
      case 'since':
        // A moment may hold events on both sides of the matching one.
        return this.low > this.#start ? (this.#times[this.low - 1] as number) + 1 : Number.NEGATIVE_INFINITY
    }
  }

  /**
   * The next moment after the one sought at which the window holds other events, if none comes and none changes; Infinity
   * where there is none. Of the events that count, `first` is the first one inside and `next` the first one behind the window,
   * each -1 where there is none.
   */
  nextChange(first: number, next: number): number {
    const window = this.#window
    const times = this.#times
    const entering = next < 0 ? Number.POSITIVE_INFINITY : (times[next] as number) + 1
    let leaving = Number.POSITIVE_INFINITY
    switch (window.kind) {
      case 'lifetime':
        break
      case 'sliding':
        if (first >= 0) {
          const time = times[first] as number
          leaving = window.length + (window.resolution === 0 ? time + 1 : (Math.floor(time / window.resolution) + 1) * window.resolution)
        }
        break
      case 'tumbling':
        if (window.part === 'last') {
          const bucket = (time: number) => Math.floor(time / window.length) * window.length
          const current = next < 0 ? Number.POSITIVE_INFINITY : bucket(times[next] as number) + window.length
          return window.delay + Math.min(current, first < 0 ? current : this.left + 2 * window.length)
        }
        if (first >= 0) leaving = this.left + window.length
        break
      case 'session':
        // An event that does not count can begin a session too.
        if (first >= 0) leaving = (times[this.high - 1] as number) + window.gap + 1
        return window.delay + Math.min(this.#entering(), leaving)
      case 'since':
        return window.delay + this.#entering()
    }
    return window.delay + Math.min(entering, leaving)
  }

  #entering(): number {
    return this.high < this.#end ? (this.#times[this.high] as number) + 1 : Number.POSITIVE_INFINITY
  }

  get end(): number {
    return this.#end
  }

  get isLifetime(): boolean {
    return this.#window.kind === 'lifetime'
  }

  /** The position of the first of the key's events at or after `time`, searched from near `hint`. */
  #position(time: number, hint: number): number {
    const times = this.#times
    let low = this.#start
    let high = this.#end
    if (hint > low && (times[hint - 1] as number) >= time) {
      high = hint - 1
    } else {
      low = hint
      for (let step = 1; low < high; step *= 2) {
        const probe = Math.min(low + step, high)
        if ((times[probe - 1] as number) >= time) {
          high = probe - 1
          break
        }
        low = probe
      }
    }
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((times[middle] as number) < time) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** `starts` of a session window: a pause of at most `gap` continues the session. `keyStarts` has one entry more than there are keys. */
export function sessionStarts(times: Float64Array, keyStarts: ArrayLike<number>, gap: number): Int32Array {
  const starts = new Int32Array(times.length)
  for (let key = 0; key + 1 < keyStarts.length; key++) {
    const start = keyStarts[key] as number
    extendSessionStarts(starts, times, gap, start, start, keyStarts[key + 1] as number)
  }
  return starts
}

/** As `sessionStarts`, of the events `[from, end)` of one key, which begins at `start`; what comes before is there already. */
export function extendSessionStarts(starts: Int32Array, times: Float64Array, gap: number, start: number, from: number, end: number): void {
  let session = from > start ? (starts[from - 1] as number) : start
  for (let i = from; i < end; i++) {
    if (i > start && (times[i] as number) - (times[i - 1] as number) > gap) session = i
    starts[i] = session
  }
}

/** `starts` of a since window. */
export function sinceStarts(matches: (position: number) => boolean, keyStarts: ArrayLike<number>, count: number): Int32Array {
  const starts = new Int32Array(count)
  for (let key = 0; key + 1 < keyStarts.length; key++) {
    const start = keyStarts[key] as number
    extendSinceStarts(starts, matches, start, start, keyStarts[key + 1] as number)
  }
  return starts
}

/** As `sinceStarts`, of the events `[from, end)` of one key, which begins at `start`; what comes before is there already. */
export function extendSinceStarts(
  starts: Int32Array,
  matches: (position: number) => boolean,
  start: number,
  from: number,
  end: number,
): void {
  let since = from > start ? (starts[from - 1] as number) : start
  for (let i = from; i < end; i++) {
    if (matches(i)) since = i + 1
    starts[i] = since
  }
}
