import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { TrainingSetCheck } from 'lockstep/testing'
import type { CheckReport, CheckShare } from './check-share.ts'

/** Each holds the whole history in memory. */
const mostThreads = 4

/**
 * Holds every value of a training set of `reorder` against the oracle, with the rows dealt out to the cores. `progress` is
 * called now and then with the number of rows that are done.
 */
export async function checkReorder(set: AsyncIterable<unknown>, progress: (rows: number) => void = () => {}): Promise<TrainingSetCheck> {
  const rows: unknown[] = []
  for await (const row of set) rows.push(row)
  const shares = Math.min(availableParallelism(), mostThreads)
  const done = new Array<number>(shares).fill(0)
  const checks = await Promise.all(
    done.map((_, share) =>
      checkShare({ rows, share, shares }, (count) => {
        done[share] = count
        progress(done.reduce((sum, each) => sum + each))
      }),
    ),
  )
  return {
    rows: checks.reduce((sum, check) => sum + check.rows, 0),
    values: checks.reduce((sum, check) => sum + check.values, 0),
    different: checks.flatMap(({ different }) => different).sort((a, b) => a.row - b.row),
  }
}

async function checkShare(work: CheckShare, progress: (rows: number) => void): Promise<TrainingSetCheck> {
  const worker = new Worker(new URL('./check-share.ts', import.meta.url), { workerData: work })
  const { promise, resolve, reject } = Promise.withResolvers<TrainingSetCheck>()
  worker.on('message', (report: CheckReport) => (typeof report === 'number' ? progress(report) : resolve(report)))
  worker.once('error', reject)
  worker.once('exit', (code) => reject(new Error(`A check ended with code ${code}`)))
  return await promise
}
