import { LockstepError } from '../errors.ts'

export { quoteIdentifier } from '../offline/index.ts'

/** How far long work has come. */
export interface Progress {
  readonly stage: string
  /** Rows done in this stage, and in all where known. */
  readonly rows: number
  readonly total: number | null
  readonly seconds: number
}

/** Reports progress a few times a second and ends the work, with `INTERRUPTED`, once its signal is aborted. */
export class Interrupt {
  readonly #signal: AbortSignal | null
  readonly #report: ((progress: Progress) => void) | null
  #stage = ''
  #rows = 0
  #total: number | null = null
  #started = performance.now()
  #reported = 0

  constructor(signal?: AbortSignal | null, report?: ((progress: Progress) => void) | null) {
    this.#signal = signal ?? null
    this.#report = report ?? null
  }

  stage(name: string, total: number | null = null): void {
    this.#stage = name
    this.#rows = 0
    this.#total = total
    this.#started = performance.now()
    this.#emit(true)
  }

  advance(rows: number): void {
    this.#rows += rows
    this.#emit(false)
  }

  check(): void {
    if (this.#signal?.aborted) throw new LockstepError('INTERRUPTED', `Stopped while ${this.#stage || 'starting'}`)
  }

  #emit(now: boolean): void {
    if (!this.#report) return
    const time = performance.now()
    if (!now && time - this.#reported < 200) return
    this.#reported = time
    this.#report({ stage: this.#stage, rows: this.#rows, total: this.#total, seconds: (time - this.#started) / 1000 })
  }
}
