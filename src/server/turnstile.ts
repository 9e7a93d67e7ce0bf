import { LockstepError } from '../errors.ts'

/** Lets so many through at a time, and so many wait; the others are sent away with `OVERLOADED`. */
export class Turnstile {
  readonly #atOnce: number
  readonly #waiting: number
  readonly #queue: (() => void)[] = []
  #inside = 0

  constructor(atOnce: number, waiting: number) {
    this.#atOnce = atOnce
    this.#waiting = waiting
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#inside >= this.#atOnce) {
      if (this.#queue.length >= this.#waiting) throw new LockstepError('OVERLOADED', 'Too many reads of history are waiting')
      await new Promise<void>((resolve) => this.#queue.push(resolve))
    } else this.#inside++
    try {
      return await work()
    } finally {
      const next = this.#queue.shift()
      if (next) next()
      else this.#inside--
    }
  }
}
