import { Script } from 'node:vm'

/** What the script runs; there is one at a time, as none of it waits. */
let work: () => void = () => {}
const script = new Script('this.lockstepTimeLimitedWork()')

/**
 * Runs synchronous work and stops it after so many milliseconds, wherever it is, even in a loop that never ends. Returns whether it came
 * to its end. Costs some 50 µs. What the work throws is thrown.
 */
export function withinTime(milliseconds: number, given: () => void): boolean {
  const outer = work
  work = given
  Object.defineProperty(globalThis, 'lockstepTimeLimitedWork', { value: runWork, configurable: true })
  try {
    script.runInThisContext({ timeout: milliseconds })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return false
    throw error
  } finally {
    work = outer
  }
}

const runWork = () => work()
