import { writeSync } from 'node:fs'
import type { LockstepError } from '../errors.ts'
import type { OfflineStore } from '../offline/index.ts'
import { dayInterval, rowsOf, target, values } from './offline-store-rows.ts'

/** What a process of the suite writes: interval by interval, some rows on each day. */
export interface OfflineWriterPlan {
  readonly module: string
  readonly factory: string
  readonly options: unknown
  readonly first: number
  readonly last: number
}

/** The days of an interval, and users on each. */
export const intervalDays = 2
export const users = 150

export const intervalRows = (number: number) =>
  Array.from({ length: intervalDays }, (_, at) => rowsOf(dayInterval(number * intervalDays + at).from, users, number)).flat()

export const intervalValues = (number: number) => values(dayInterval(number * intervalDays, intervalDays), intervalRows(number))

/** Writes an interval, unless another writer is at work. */
export async function written(store: OfflineStore, number: number): Promise<boolean> {
  try {
    await store.write(target, intervalValues(number))
    return true
  } catch (error) {
    if ((error as LockstepError).code === 'STORE_LOCKED') return false
    throw error
  }
}

if (import.meta.main) {
  // The pipe ends when the test does, however it ends.
  process.stdin.on('end', () => process.exit()).resume()
  const plan = JSON.parse(process.argv[2] ?? '') as OfflineWriterPlan
  const module = (await import(plan.module)) as Record<string, (options: unknown) => OfflineStore | Promise<OfflineStore>>
  const store = await module[plan.factory]?.(plan.options)
  if (store === undefined) throw new Error(`${plan.module} has no ${plan.factory}`)
  writeSync(1, 'ready\n')
  for (let number = plan.first; number <= plan.last; number++) {
    while (!(await written(store, number)));
    writeSync(1, `${number}\n`)
  }
  await store.close()
  process.exit()
}
