import { LockstepError } from '../errors.ts'
import { Interrupt } from './context.ts'
import { computePartition, type PartitionTask } from './partition.ts'
import type { WorkerAnswer } from './partition-workers.ts'

/** A process of `PartitionWorkers`: computes one partition after the other, and ends when its parent does. */
const answer = (told: WorkerAnswer) => process.send?.(told)

process.on('disconnect', () => process.exit())
process.on('message', async (task: PartitionTask) => {
  let reported = 0
  const interrupt = new Interrupt(null, ({ rows }) => {
    answer({ progress: Math.max(0, rows - reported) })
    reported = rows
  })
  try {
    await computePartition(task, interrupt)
    answer({ done: true })
  } catch (error) {
    const told = error instanceof LockstepError ? error.toJSON() : null
    answer({ error: told, message: error instanceof Error ? (error.stack ?? error.message) : String(error) })
  }
})
