/** Callers of whom it is remembered what they took; of more, those that could take all again are forgotten. */
const mostCallers = 10_000

interface Bucket {
  readonly rate: number
  /** How many requests may come at once now. */
  left: number
  /** When that was reckoned, in seconds. */
  at: number
}

/**
 * Requests per second for each caller, by token buckets
 * (https://en.wikipedia.org/wiki/Token_bucket): one second's worth may come at once, and at least one.
 */
export class RateLimit {
  readonly #seconds: () => number
  readonly #buckets = new Map<string, Bucket>()

  /** `seconds`: a clock that never goes back. */
  constructor(seconds: () => number = () => performance.now() / 1000) {
    this.#seconds = seconds
  }

  /** Takes a request of a caller who may send `rate` of them a second: 0 where it may pass, else the seconds to wait. */
  take(id: string, rate: number): number {
    const now = this.#seconds()
    let bucket = this.#buckets.get(id)
    if (bucket?.rate !== rate) bucket = this.#add(id, { rate, left: mostAtOnce(rate), at: now })
    bucket.left = leftAt(bucket, now)
    bucket.at = now
    if (bucket.left < 1) return (1 - bucket.left) / rate
    bucket.left--
    return 0
  }

  /** Of how many callers it is remembered what they took. */
  get callers(): number {
    return this.#buckets.size
  }

  #add(id: string, bucket: Bucket): Bucket {
    if (this.#buckets.size >= mostCallers) {
      for (const [other, known] of this.#buckets) if (leftAt(known, bucket.at) === mostAtOnce(known.rate)) this.#buckets.delete(other)
    }
    this.#buckets.set(id, bucket)
    return bucket
  }
}

const mostAtOnce = (rate: number): number => Math.max(1, rate)
const leftAt = ({ rate, left, at }: Bucket, now: number): number => Math.min(mostAtOnce(rate), left + (now - at) * rate)
