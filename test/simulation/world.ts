import { LockstepError } from '../../src/errors.ts'
import type { Clock } from '../../src/lib/clock.ts'
import { seededRandom } from '../../src/lib/seeded-random.ts'

interface Timer {
  readonly at: number
  readonly order: number
  readonly resolve: () => void
}

/** Virtual time in which everything happens that a seed decides. Nothing in it waits for the machine. */
export class World {
  readonly random: (below: number) => number
  readonly #timers: Timer[] = []
  #order = 0
  /** Microseconds. */
  now: number

  constructor(seed: number, start: number) {
    this.random = seededRandom(seed)
    this.now = start
  }

  chance(oneIn: number): boolean {
    return this.random(oneIn) === 0
  }

  /** Resolves so many milliseconds of virtual time later. */
  after(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      this.#timers.push({ at: this.now + milliseconds * 1000, order: this.#order++, resolve })
    })
  }

  /** Lets time pass until the work is done. Throws where it waits for something that will never come. */
  async run<T>(work: Promise<T>, limit = 3_600_000_000_000): Promise<T> {
    let done = false
    const end = this.now + limit
    const settled = () => {
      done = true
    }
    work.then(settled, settled)
    for (;;) {
      // All that is ready to go on goes on, before time passes.
      await new Promise(setImmediate)
      if (done) return await work
      if (this.now > end) throw new Error('the simulated run does not end')
      this.#next()
    }
  }

  #next(): void {
    let first = -1
    for (let i = 0; i < this.#timers.length; i++) {
      const timer = this.#timers[i] as Timer
      const best = this.#timers[first]
      if (!best || timer.at < best.at || (timer.at === best.at && timer.order < best.order)) first = i
    }
    const [timer] = first < 0 ? [] : this.#timers.splice(first, 1)
    if (!timer) throw new Error('the simulated run waits for something that never comes')
    this.now = Math.max(this.now, timer.at)
    timer.resolve()
  }
}

const never = new Promise<never>(() => {})

/**
 * A simulated process: all it does outside itself goes through `call`, where it may be slow, fail, or die. A dead process goes on
 * computing like any other, but nothing that it asks for is ever done, and no answer ever comes.
 */
export class Process {
  readonly #world: World
  readonly faults: { failures: boolean; crashes: number }
  #alive = true
  /** How far the clock of its machine is off, in microseconds. */
  skew = 0
  /** While it is cut off from the log, its calls there wait. */
  cutOff: Promise<void> | null = null

  /** `crashes`: one call in so many ends the process; 0 for none. */
  constructor(world: World, faults: { failures: boolean; crashes: number }) {
    this.#world = world
    this.faults = faults
  }

  get alive(): boolean {
    return this.#alive
  }

  crash(): void {
    this.#alive = false
  }

  /** Does something outside the process. The effect is there at once, or not at all; whether it was, the process may not learn. */
  async call<T>(what: string, effect: () => Promise<T> | T, slow = 20): Promise<T> {
    const { random } = this.#world
    if (random(4) > 0) await this.#world.after(random(slow * 1000) / 1000)
    this.#perhapsCrash()
    if (!this.#alive) return never
    if (this.faults.failures && random(60) === 0) throw failure(what)
    const result = await effect()
    this.#perhapsCrash()
    if (!this.#alive) return never
    if (random(4) === 0) await this.#world.after(random(slow))
    if (this.faults.failures && random(60) === 0) throw failure(`${what}, though it was done`)
    return this.#alive ? result : never
  }

  #perhapsCrash(): void {
    if (this.faults.crashes > 0 && this.#world.random(this.faults.crashes) === 0) this.crash()
  }

  /** The clock of its machine. */
  get clock(): Clock {
    return {
      now: () => this.#world.now + this.skew,
      sleep: async (milliseconds, signal) => {
        if (signal?.aborted) return
        await Promise.race([
          this.#world.after(milliseconds),
          new Promise<void>((resolve) => signal?.addEventListener('abort', () => resolve(), { once: true })),
        ])
        if (!this.#alive) await never
      },
    }
  }
}

const failure = (what: string) => new LockstepError('STORE_UNAVAILABLE', `Simulated: ${what} failed`)
