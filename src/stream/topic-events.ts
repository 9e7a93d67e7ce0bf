import type { SourceData } from '../definition/index.ts'
import { LockstepError } from '../errors.ts'
import { type EventLog, topicRecords } from '../eventlog/index.ts'
import { recordDecoder } from './record-decoder.ts'
import type { PoisonRecord, StreamEvent } from './stream-event.ts'

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
  const decode = recordDecoder(source)
  for await (const record of topicRecords(log, stream.topic)) yield await decode(record)
}
