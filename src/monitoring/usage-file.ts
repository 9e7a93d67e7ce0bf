import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { LockstepError } from '../errors.ts'
import { isAbandoned, temporaryName } from '../lib/temporary-names.ts'
import { type UsageCount, UsageCounts } from './usage-counts.ts'

/** The counts of days, by the number of the day since 1970. */
export type UsageDays = Map<number, UsageCounts>

/** As a file holds them. Lists of features stand there once each. */
interface StoredUsage {
  /** The files that this one holds the counts of, and that count no more. */
  readonly merged: readonly string[]
  readonly features: readonly (readonly string[])[]
  readonly days: Readonly<Record<string, readonly StoredCount[]>>
}
type StoredCount = readonly [
  caller: string,
  model: string,
  view: string,
  version: number,
  features: number,
  requests: number,
  vectors: number,
  first: number,
  last: number,
]

const owned = 'process-'
const partial = '.partial-'

/** A name for the file of this process, of one day. */
export const usageFileName = (process: string, day: number): string => `${process}.${day}.json`
export const newProcessName = (): string => temporaryName(owned)
export const newMergedName = (): string => `${temporaryName('merged-')}.json`
export const isUsageFile = (name: string): boolean => name.endsWith('.json') && !name.startsWith('.')
export const isLeftover = (name: string): boolean => isAbandoned(name, partial)

/** Whether nobody writes the file any more: its process is gone, or it is of a day that is long over. */
export function isFinal(name: string, today: number): boolean {
  if (name.startsWith('merged-')) return true
  const [, day] = /\.(\d+)\.json$/.exec(name) ?? []
  return isAbandoned(name, owned) || (day !== undefined && Number(day) < today - 1)
}

/** Writes a file whole. It does not wait for the disk: a loss of power may cost what was counted last. */
export async function writeUsage(path: string, days: UsageDays, merged: readonly string[] = []): Promise<void> {
  const lists = new Map<string, number>()
  const features: (readonly string[])[] = []
  const listOf = (names: readonly string[]): number => {
    const key = names.join('\0')
    const known = lists.get(key) ?? features.push(names) - 1
    lists.set(key, known)
    return known
  }
  const stored = ({ caller, model, view, version, requests, vectors, first, last, features: names }: UsageCount): StoredCount => [
    caller,
    model,
    view,
    version,
    listOf(names),
    requests,
    vectors,
    first,
    last,
  ]
  const all = Object.fromEntries([...days].map(([day, counts]) => [day, [...counts].map(stored)]))
  const whole: StoredUsage = { merged, features, days: all }
  const written = join(dirname(path), temporaryName(partial))
  try {
    await writeFile(written, JSON.stringify(whole))
    await rename(written, path)
  } catch (cause) {
    await rm(written, { force: true }).catch(() => {})
    throw new LockstepError('STORE_UNAVAILABLE', `What was read cannot be counted on the disk: ${(cause as Error).message}`, {
      where: path,
      cause,
    })
  }
}

/** Adds what a file holds to the counts of days, and gives the names of the files merged into it; null where it is gone. */
export async function readUsage(path: string): Promise<{ readonly days: UsageDays; readonly merged: readonly string[] } | null> {
  try {
    const { features, days, merged } = JSON.parse(await readFile(path, 'utf8')) as StoredUsage
    const found: UsageDays = new Map()
    for (const [day, counts] of Object.entries(days)) {
      const own = new UsageCounts()
      for (const [caller, model, view, version, list, requests, vectors, first, last] of counts)
        own.add({ caller, model, view, version, features: features[list] as readonly string[], requests, vectors, first, last })
      found.set(Number(day), own)
    }
    return { days: found, merged }
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw new LockstepError('STORE_CORRUPT', `A file of counted reads cannot be read: ${(cause as Error).message}`, {
      where: basename(path),
      remedy: 'Remove the file: what it counted is lost.',
      cause,
    })
  }
}

export function addDays(into: UsageDays, from: UsageDays): void {
  for (const [day, counts] of from) {
    const own = into.get(day) ?? new UsageCounts()
    into.set(day, own)
    for (const count of counts) own.add(count)
  }
}
