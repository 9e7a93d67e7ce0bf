import { LockstepError } from '../errors.ts'
import type { ConsumeOptions, NewRecord } from './log.ts'

/** The longest record: its key, its value and its headers together. */
export const maxRecordBytes = 64 * 1024 * 1024

/** Throws `INVALID_ARGUMENT` unless the name is one that every log can have. */
export function checkTopic(topic: string): void {
  if (/^\w[\w.-]{0,248}$/.test(topic)) return
  throw new LockstepError('INVALID_ARGUMENT', `${JSON.stringify(topic)} is no name for a topic`, {
    remedy: 'Use 1 to 249 letters, digits and _ . -, the first one a letter, a digit or _',
  })
}

export function checkPartitions(partitions: number): void {
  if (Number.isInteger(partitions) && partitions >= 1 && partitions <= 10_000) return
  throw new LockstepError('INVALID_ARGUMENT', `A topic has 1 to 10,000 partitions, not ${partitions}`)
}

/** Throws `INVALID_ARGUMENT` for a record that cannot be appended, before any is. */
export function checkRecords(topic: string, records: readonly NewRecord[], partitions: number): void {
  for (const [at, { key, value, headers, partition }] of records.entries()) {
    if (partition !== undefined && !(Number.isInteger(partition) && partition >= 0 && partition < partitions)) {
      throw wrongRecord(`The topic has no partition ${partition}`, topic, at)
    }
    let bytes = (key?.length ?? 0) + (value?.length ?? 0)
    if (headers !== undefined) for (const header of headers) bytes += 3 * header.name.length + header.value.length
    if (bytes > maxRecordBytes) throw wrongRecord(`A record has ${bytes} bytes, ${maxRecordBytes} at most`, topic, at)
  }
}

export function checkConsume({ group, sessionTimeout = 1 }: ConsumeOptions): void {
  if (group === '') throw new LockstepError('INVALID_ARGUMENT', 'The group of a reader has no name')
  if (!(sessionTimeout > 0)) throw new LockstepError('INVALID_ARGUMENT', `A session timeout is above 0, not ${sessionTimeout}`)
}

export const noTopic = (topic: string): LockstepError =>
  new LockstepError('INVALID_ARGUMENT', `The event log has no topic ${JSON.stringify(topic)}`, { remedy: 'Create it with `createTopic`.' })

export const otherPartitions = (topic: string, there: number, wanted: number): LockstepError =>
  new LockstepError('INVALID_ARGUMENT', `The topic has ${there} partitions, not ${wanted}`, {
    where: topic,
    remedy: 'Use the number that it has, or another topic.',
  })

export const beyondEnd = (partition: number, position: number, next: number): LockstepError =>
  new LockstepError('INVALID_ARGUMENT', `Reading cannot begin at offset ${position}: the next record will be ${next}`, {
    where: `partition ${partition}`,
    remedy: 'The log is another one, or has lost records. Fill what was made of it again, or restore the log.',
  })

export const closedLog = (name: string): LockstepError =>
  new LockstepError('INVALID_ARGUMENT', `The ${name} event log is closed`, { remedy: 'Open it again.' })

const wrongRecord = (message: string, topic: string, at: number): LockstepError =>
  new LockstepError('INVALID_ARGUMENT', message, { where: `${topic}, record ${at}` })
