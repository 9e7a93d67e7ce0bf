import type { AnswerStatus, PackedAnswer } from './answers.ts'

const statuses: readonly AnswerStatus[] = ['PRESENT', 'NOT_FOUND', 'STALE']

/** Packed answers by number, close together in memory: there are many. */
export class AnswerList {
  readonly #features: number
  #bytes = new Uint8Array(1 << 16)
  #used = 0
  #count = 0
  readonly #starts: Float64Array
  readonly #ends: Uint32Array
  readonly #statuses: Uint8Array
  readonly #eventTimes: Float64Array

  constructor(count: number, features: number) {
    this.#features = features
    this.#starts = new Float64Array(count + 1)
    this.#ends = new Uint32Array(count * features)
    this.#statuses = new Uint8Array(count)
    this.#eventTimes = new Float64Array(count)
  }

  push({ bytes, ends, status, eventTime }: PackedAnswer): void {
    if (this.#used + bytes.length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#used + bytes.length, this.#bytes.length * 2))
      larger.set(this.#bytes.subarray(0, this.#used))
      this.#bytes = larger
    }
    this.#bytes.set(bytes, this.#used)
    this.#used += bytes.length
    const place = this.#count++
    this.#starts[place + 1] = this.#used
    this.#ends.set(ends, place * this.#features)
    this.#statuses[place] = statuses.indexOf(status)
    this.#eventTimes[place] = eventTime ?? Number.NaN
  }

  at(place: number): PackedAnswer {
    const eventTime = this.#eventTimes[place] as number
    return {
      bytes: this.#bytes.subarray(this.#starts[place], this.#starts[place + 1]),
      ends: [...this.#ends.subarray(place * this.#features, (place + 1) * this.#features)],
      status: statuses[this.#statuses[place] as number] as AnswerStatus,
      eventTime: Number.isNaN(eventTime) ? null : eventTime,
    }
  }
}
