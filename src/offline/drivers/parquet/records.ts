import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { LockstepError } from '../../../errors.ts'
import { formatMoment } from '../../../lib/moment.ts'
import type { Interval, StoredInterval } from '../../store.ts'
import { namesIn, writeDurably } from './durable-files.ts'

/** The layout of the folders and records; one that this code does not know is not read. */
const layout = 1

/** A name for an interval that sorts as intervals do: `2026-01-05T000000Z_2026-01-06T000000Z`. */
export const intervalName = ({ from, to }: Interval): string =>
  [from, to].map((moment) => formatMoment(moment).replaceAll(':', '')).join('_')

export const recordsFolder = (folder: string): string => join(folder, 'intervals')

/** The records of all intervals, in order of time. Throws `STORE_CORRUPT` for one that cannot be read. */
export async function readRecords(folder: string): Promise<StoredInterval[]> {
  const names = (await namesIn(recordsFolder(folder))).filter((name) => name.endsWith('.json'))
  const records = await Promise.all(names.map((name) => readRecord(join(recordsFolder(folder), name))))
  return records.sort((a, b) => a.from - b.from)
}

async function readRecord(path: string): Promise<StoredInterval> {
  const text = await readFile(path, 'utf8')
  try {
    const { layout: found, ...record } = JSON.parse(text) as StoredInterval & { layout: number }
    if (found === layout) return record
  } catch (cause) {
    throw new LockstepError('STORE_CORRUPT', `${path} is not a record of an interval`, { cause })
  }
  throw new LockstepError('STORE_CORRUPT', `${path} was written by another version of Lockstep`)
}

/** Makes an interval visible. */
export async function writeRecord(folder: string, record: StoredInterval, temporary: string): Promise<void> {
  const name = `${intervalName(record)}.json`
  await writeDurably(join(recordsFolder(folder), name), `${JSON.stringify({ layout, ...record }, null, 2)}\n`, join(temporary, name))
}
