import type { LogRecord, RecordHeader } from '../eventlog/index.ts'
import { ByteReader, ByteWriter } from '../lib/bytes.ts'
import type { StreamEvent } from './stream-event.ts'

const name = 'lockstep-origin'

/** Says on a copy of a record where and when the source's topic took the original. */
export function originHeader({ partition, offset, taken }: StreamEvent['origin']): RecordHeader {
  return { name, value: new ByteWriter().unsigned(partition).unsigned(offset).signed(taken).finish() }
}

/** The place of a record, or of the one that it is a copy of. */
export function originOf(record: LogRecord): StreamEvent['origin'] {
  const header = record.headers.length === 0 ? undefined : record.headers.find((one) => one.name === name)
  if (!header) return record
  const reader = new ByteReader(header.value)
  return { partition: reader.unsigned(), offset: reader.unsigned(), taken: reader.signed() }
}
