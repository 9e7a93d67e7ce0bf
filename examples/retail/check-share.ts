/** A thread that checks its share of the rows of a training set; see `check.ts`. */
import { parentPort, workerData } from 'node:worker_threads'
import { checkTrainingSet, type TrainingSetCheck } from 'lockstep/testing'
import { reorder } from './definitions.ts'

export interface CheckShare {
  readonly rows: readonly unknown[]
  readonly share: number
  readonly shares: number
}

/** Rows that are done, now and then; at last what was found. */
export type CheckReport = number | TrainingSetCheck

const report = (message: CheckReport) => parentPort?.postMessage(message)
const { rows, share, shares } = workerData as CheckShare
const check = await checkTrainingSet(reorder, rows as Record<string, unknown>[], {
  only: (row) => row % shares === share,
  progress: (done) => {
    if (done % 50 === 0) report(done)
  },
})
report(check)
