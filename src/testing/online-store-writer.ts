import { writeSync } from 'node:fs'
import type { OnlineRow, OnlineStore } from '../online/index.ts'
import { row } from './online-store-rows.ts'

/** What a process of the suite writes: step by step, all keys of the table as of that step. */
export interface WriterPlan {
  readonly module: string
  readonly factory: string
  readonly options: unknown
  readonly table: string
  readonly keys: number
  readonly steps: { readonly first: number; readonly last: number; readonly by: number }
  /** How a step is stored: by `write`, or by `commit` in two tables, from the text that is the last step, as whoever this is. */
  readonly way: 'write' | { readonly commitAs: string }
}

/** Long enough to be torn, and telling of which row and step it is. */
export const stepValue = (key: string, step: number): string => `${step} ${key} ${'.'.repeat(200)} ${step}`

export const stepRows = (keys: number, step: number): OnlineRow[] =>
  Array.from({ length: keys }, (_, at) => row(`key ${at}`, step, stepValue(`key ${at}`, step)))

/** Goes on from the step that the text tells, in one commit; to null where another did so meanwhile. */
export async function commitStep(store: OnlineStore, table: string, keys: number, who: string): Promise<number | null> {
  const text = await store.readMeta(table)
  const step = stepOf(text) + 1
  const writes = [table, `${table}:2`].map((each) => ({ table: each, rows: stepRows(keys, step) }))
  const done = await store.commit?.([{ table, expected: text, text: `${step} ${who}` }], writes)
  return done ? step : null
}

export const stepOf = (text: string | null): number => Number.parseInt(text ?? '0', 10)

if (import.meta.main) {
  // The pipe ends when the test does, however it ends.
  process.stdin.on('end', () => process.exit()).resume()
  const plan = JSON.parse(process.argv[2] ?? '') as WriterPlan
  const module = (await import(plan.module)) as Record<string, (options: unknown) => OnlineStore | Promise<OnlineStore>>
  const store = await module[plan.factory]?.(plan.options)
  if (store === undefined) throw new Error(`${plan.module} has no ${plan.factory}`)
  const { table, keys, steps, way } = plan
  // A store may connect when it is first used.
  await store.readMeta(table)
  writeSync(1, 'ready\n')
  if (way === 'write') {
    for (let step = steps.first; step <= steps.last; step += steps.by) {
      await store.write(table, stepRows(keys, step))
      writeSync(1, `${step}\n`)
    }
  } else {
    while (stepOf(await store.readMeta(table)) < steps.last) {
      const step = await commitStep(store, table, keys, way.commitAs)
      if (step !== null) writeSync(1, `${step}\n`)
    }
  }
  await store.close()
  process.exit()
}
