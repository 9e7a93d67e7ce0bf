import { LockstepError } from '../errors.ts'
import type { Progress } from '../pointintime/index.ts'
import { whileStoppable } from './interrupt.ts'
import type { Output } from './output.ts'
import { ProgressLine } from './progress.ts'

export interface WorkOptions {
  readonly signal: AbortSignal
  readonly progress?: (progress: Progress) => void
}

/**
 * Does work that shows its progress and that Ctrl-C (SIGINT, SIGTERM) aborts: then it throws `INTERRUPTED`, once all that
 * was half done is cleared away. A second Ctrl-C does not wait for that.
 */
export async function longWork<T>(output: Output, work: (options: WorkOptions) => Promise<T>): Promise<T> {
  const controller = new AbortController()
  const line = output.showsProgress ? new ProgressLine() : null
  const abort = () => {
    line?.clear()
    output.note('Stopping; once more stops without clearing up.')
    controller.abort()
  }
  const progress = line ? { progress: (done: Progress) => line.show(done) } : {}
  try {
    return await whileStoppable(abort, () => work({ signal: controller.signal, ...progress }))
  } catch (error) {
    if (!controller.signal.aborted || (error instanceof LockstepError && error.code === 'INTERRUPTED')) throw error
    throw new LockstepError('INTERRUPTED', 'Stopped before the end', { cause: error })
  } finally {
    line?.clear()
  }
}
