import { LockstepError } from '../errors.ts'
import type { LogRecord, RecordHeader } from '../eventlog/index.ts'
import { ByteReader, ByteWriter } from '../lib/bytes.ts'
import type { StreamEvent } from './stream-event.ts'

const name = 'lockstep-origin'

/** Says on a copy of a record where and when the source's topic took the original. */
export function originHeader({ partition, offset, taken }: StreamEvent['origin']): RecordHeader {
  return { name, value: new ByteWriter().unsigned(partition).unsigned(offset).signed(taken).finish() }
}

/** The place of the record that this one is a copy of; null where it does not say. */
export function originOf(record: LogRecord): StreamEvent['origin'] | null {
  const header = record.headers.findLast((one) => one.name === name)
  if (!header) return null
  try {
    const reader = new ByteReader(header.value)
    return { partition: reader.unsigned(), offset: reader.unsigned(), taken: reader.signed() }
  } catch (error) {
    if (error instanceof LockstepError) return null
    throw error
  }
}
