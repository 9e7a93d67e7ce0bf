import { LockstepError } from '../errors.ts'
import type { EventLog, LogRecord } from './log.ts'

export interface DeadLetter {
  /** The topic that the record was read from. */
  readonly topic: string
  /** Why it is no event. */
  readonly reason: string
}

const encoder = new TextEncoder()

/**
 * Sets a record aside in the topic `TOPIC.dead`, as it was, with the headers `lockstep-reason` and `lockstep-origin`
 * (`topic/partition/offset`). The topic is made when it is not there.
 */
export async function deadLetter(log: EventLog, record: LogRecord, { topic, reason }: DeadLetter): Promise<void> {
  const { key, value, headers, partition, offset } = record
  const own = [
    { name: 'lockstep-reason', value: encoder.encode(reason) },
    { name: 'lockstep-origin', value: encoder.encode(`${topic}/${partition}/${offset}`) },
  ]
  const dead = `${topic}.dead`
  if ((await log.partitions(dead)) === null) await log.createTopic(dead, 1).catch(ignoreExisting)
  await log.append(dead, [{ key, value, headers: [...headers, ...own] }])
}

/** Another worker may have made it meanwhile. */
function ignoreExisting(error: unknown): void {
  if (!(error instanceof LockstepError) || error.code !== 'INVALID_ARGUMENT') throw error
}
