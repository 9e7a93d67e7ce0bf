import { randomUUID } from 'node:crypto'
import type { SourceData } from '../definition/index.ts'
import { LockstepError } from '../errors.ts'
import { type EventLog, isErased } from '../eventlog/index.ts'
import { recordDecoder } from './record-decoder.ts'
import type { PoisonRecord, StreamEvent } from './stream-event.ts'

const readLimit = 4096
const waitMilliseconds = 100
/** Reads in a row that give nothing, after which the topic is at its end: the last offsets of a broker's topic may hold no record. */
const mostQuiet = 50

/**
 * The records that the topic of a source holds now, as events, partition by partition in order; what is no event comes with the
 * reason. Throws `SOURCE_NOT_FOUND` where there is no such topic.
 */
export async function* topicEvents(log: EventLog, source: SourceData): AsyncGenerator<StreamEvent | PoisonRecord, void, undefined> {
  const { stream } = source
  if (stream === null || (await log.partitions(stream.topic)) === null)
    throw new LockstepError('SOURCE_NOT_FOUND', stream ? `There is no topic ${stream.topic}` : 'The source declares no stream', {
      where: `source ${source.name}`,
    })
  const offsets = await log.offsets(stream.topic)
  const left = new Map(offsets.filter(({ first, next }) => first < next).map(({ partition, next }) => [partition, next]))
  const firsts = new Map(offsets.map(({ partition, first }) => [partition, first]))
  const decode = recordDecoder(source)
  // A group of its own, so that no worker is asked to share.
  const consumer = await log.consume(stream.topic, {
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
        if (record.offset < end && !isErased(record)) yield await decode(record)
        if (record.offset >= end - 1) left.delete(record.partition)
      }
    }
  } finally {
    await consumer.close()
  }
}
