import { LockstepError } from '../errors.ts'
import { exitCodes } from './exit-codes.ts'
import { showError } from './show-error.ts'

/** What SIGINT (Ctrl-C) and SIGTERM do now: end the process, or stop the work that cleans up after itself. */
let stop: (() => void) | null = null

/** From now on the signals end the process with code 130, and are told as an error. */
export function endOnSignals({ json }: { readonly json: boolean }): void {
  const received = () => {
    if (stop) return stop()
    process.stderr.write(showError(new LockstepError('INTERRUPTED', 'Stopped'), { json }))
    process.exit(exitCodes.interrupted)
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, received)
}

/** While work runs, the first signal calls `abort`; the next ends the process. */
export async function whileStoppable<T>(abort: () => void, work: () => Promise<T>): Promise<T> {
  stop = () => {
    stop = null
    abort()
  }
  try {
    return await work()
  } finally {
    stop = null
  }
}
