import { randomUUID } from 'node:crypto'
import { isErased } from './erased.ts'
import type { EventLog, LogRecord } from './log.ts'

const readLimit = 4096
const waitMilliseconds = 100
/** Reads in a row that give nothing, after which the topic is at its end: the last offsets of a broker's topic may hold no record. */
const mostQuiet = 50

/** The records that a topic holds when this begins, partition by partition in order, without those that were erased. */
export async function* topicRecords(log: EventLog, topic: string): AsyncGenerator<LogRecord, void, undefined> {
  const offsets = await log.offsets(topic)
  const left = new Map(offsets.filter(({ first, next }) => first < next).map(({ partition, next }) => [partition, next]))
  if (left.size === 0) return
  const firsts = new Map(offsets.map(({ partition, first }) => [partition, first]))
  // A group of its own, so that no worker is asked to share.
  const consumer = await log.consume(topic, {
    group: `lockstep.read.${randomUUID()}`,
    assigned: async (partitions) => new Map(partitions.map((partition) => [partition, firsts.get(partition) ?? 0])),
    revoked: async () => {},
  })
  try {
    for (let quiet = 0; left.size > 0 && quiet < mostQuiet; quiet++) {
      for (const record of await consumer.read(readLimit, waitMilliseconds)) {
        quiet = 0
        const end = left.get(record.partition)
        if (end === undefined) continue
        if (record.offset < end && !isErased(record)) yield record
        if (record.offset >= end - 1) left.delete(record.partition)
      }
    }
  } finally {
    await consumer.close()
  }
}
