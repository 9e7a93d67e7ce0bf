import { LockstepError } from '../../../errors.ts'
import type { Clock } from '../../../lib/clock.ts'
import type { Disk, DiskLock } from '../../../lib/disk.ts'

const pauseMilliseconds = 1
const patienceMilliseconds = 60_000

/**
 * A lock for the processes of a machine that serves them in turn: who waits for it holds a second lock, which everyone takes first,
 * so that a process that lets go and comes again at once stands behind those that wait.
 */
export class FairLock {
  readonly #lock: DiskLock
  readonly #turn: DiskLock
  readonly #where: string
  readonly #clock: Clock
  /** One after the other within this object: its locks tell processes apart, not callers. */
  #last: Promise<unknown> = Promise.resolve()

  private constructor(lock: DiskLock, turn: DiskLock, where: string, clock: Clock) {
    this.#lock = lock
    this.#turn = turn
    this.#where = where
    this.#clock = clock
  }

  /** Its files are `PATH.lock` and `PATH.turn`. */
  static async open(disk: Disk, path: string, clock: Clock): Promise<FairLock> {
    return new FairLock(await disk.lock(`${path}.lock`), await disk.lock(`${path}.turn`), path, clock)
  }

  /** Does the work as its one holder. Throws `STORE_LOCKED` where another does not let go of it. */
  hold<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(() => this.#hold(work))
    this.#last = done.catch(() => {})
    return done
  }

  async #hold<T>(work: () => Promise<T>): Promise<T> {
    await this.#acquire(this.#turn)
    try {
      await this.#acquire(this.#lock)
    } finally {
      await this.#turn.release()
    }
    try {
      return await work()
    } finally {
      await this.#lock.release()
    }
  }

  async close(): Promise<void> {
    await this.#turn.close()
    await this.#lock.close()
  }

  async #acquire(lock: DiskLock): Promise<void> {
    for (let waited = 0; !(await lock.tryAcquire()); waited += pauseMilliseconds) {
      if (waited > patienceMilliseconds) {
        throw new LockstepError('STORE_LOCKED', `Another process has held a lock of the event log for ${waited / 1000} s`, {
          where: this.#where,
          remedy: 'See whether a process that uses the log is stopped, and end it.',
        })
      }
      await this.#clock.sleep(pauseMilliseconds)
    }
  }
}
