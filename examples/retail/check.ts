import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { LockstepError } from 'lockstep'
import type { TrainingSetCheck } from 'lockstep/testing'
import type { CheckReport, CheckShare } from './check-share.ts'

/** Each holds the whole history in memory. */
const mostThreads = 4

export interface CheckReorderOptions {
  /** Called now and then with the number of rows that are done. */
  readonly progress?: (rows: number) => void
  readonly signal?: AbortSignal
}

/** Holds every value of a training set of `reorder` against the oracle, with the rows dealt out to the cores. Throws `INTERRUPTED`. */
export async function checkReorder(set: AsyncIterable<unknown>, options: CheckReorderOptions = {}): Promise<TrainingSetCheck> {
  const rows: unknown[] = []
  for await (const row of set) rows.push(row)
  const shares = Math.min(availableParallelism(), mostThreads)
  const done = new Array<number>(shares).fill(0)
  const checks = await Promise.all(
    done.map((_, share) =>
      checkShare({ rows, share, shares }, options.signal, (count) => {
        done[share] = count
        options.progress?.(done.reduce((sum, each) => sum + each))
      }),
    ),
  )
  return {
    rows: checks.reduce((sum, check) => sum + check.rows, 0),
    values: checks.reduce((sum, check) => sum + check.values, 0),
    different: checks.flatMap(({ different }) => different).sort((a, b) => a.row - b.row),
  }
}

async function checkShare(work: CheckShare, signal: AbortSignal | undefined, progress: (rows: number) => void): Promise<TrainingSetCheck> {
  const worker = new Worker(new URL('./check-share.ts', import.meta.url), { workerData: work })
  const stop = () => worker.terminate()
  signal?.addEventListener('abort', stop)
  const { promise, resolve, reject } = Promise.withResolvers<TrainingSetCheck>()
  worker.on('message', (report: CheckReport) => (typeof report === 'number' ? progress(report) : resolve(report)))
  worker.once('error', reject)
  worker.once('exit', () => reject(new LockstepError('INTERRUPTED', 'Stopped before every row was checked')))
  try {
    return await promise
  } finally {
    signal?.removeEventListener('abort', stop)
    await worker.terminate()
  }
}
