import { writeSync } from 'node:fs'
import type { OnlineStore } from '../online/index.ts'
import { row } from './online-store-rows.ts'

/** What a process of the suite writes: step by step, all keys of the table as of that step. */
export interface WriterPlan {
  readonly module: string
  readonly factory: string
  readonly options: unknown
  readonly table: string
  readonly keys: number
  readonly steps: { readonly first: number; readonly last: number; readonly by: number }
}

/** Long enough to be torn, and telling of which row and step it is. */
export const stepValue = (key: string, step: number): string => `${step} ${key} ${'.'.repeat(200)} ${step}`

export const stepRows = (keys: number, step: number) =>
  Array.from({ length: keys }, (_, at) => row(`key ${at}`, step, stepValue(`key ${at}`, step)))

if (import.meta.main) {
  // The pipe ends when the test does, however it ends.
  process.stdin.on('end', () => process.exit()).resume()
  const plan = JSON.parse(process.argv[2] ?? '') as WriterPlan
  const module = (await import(plan.module)) as Record<string, (options: unknown) => OnlineStore | Promise<OnlineStore>>
  const store = await module[plan.factory]?.(plan.options)
  if (store === undefined) throw new Error(`${plan.module} has no ${plan.factory}`)
  writeSync(1, 'ready\n')
  for (let step = plan.steps.first; step <= plan.steps.last; step += plan.steps.by) {
    await store.write(plan.table, stepRows(plan.keys, step))
    writeSync(1, `${step}\n`)
  }
  await store.close()
  process.exit()
}
