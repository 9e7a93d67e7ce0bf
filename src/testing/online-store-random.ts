import assert from 'node:assert/strict'
import type { OnlineRow, OnlineStore } from '../online/index.ts'
import { bytes, type Case, readAll, row } from './online-store-rows.ts'
import { seededRandom } from './seeded-random.ts'

type Model = Map<string, { moment: number; value: string }>

/** A run of random calls; `LOCKSTEP_SEED` repeats one. */
export const randomCase: Record<string, Case> = {
  'random calls give what a plain map gives': async ({ store }) => {
    const seed = Number(process.env.LOCKSTEP_SEED ?? Math.floor(Math.random() * 2 ** 32))
    const random = seededRandom(seed)
    const models = new Map<string, Model>()
    for (let step = 0; step < 600; step++) {
      const table = `t${random(3)}`
      const model = models.get(table) ?? new Map()
      models.set(table, model)
      const told = `LOCKSTEP_SEED=${seed}, step ${step}`
      const some = () => Array.from({ length: random(12) }, () => 'abc'.repeat(random(2)) + random(20))
      switch (random(6)) {
        case 0:
        case 1:
        case 2:
          await write(
            store,
            table,
            model,
            some().map((key) => [key, random(8), `${step} ${'x'.repeat(random(300))}`] as const),
            told,
          )
          break
        case 3: {
          const keys = some()
          assert.equal(await store.delete(table, keys.map(bytes)), keys.filter((key) => model.delete(key)).length, told)
          break
        }
        case 4: {
          const keys = some()
          assert.deepEqual(
            await readAll(store, table, keys),
            keys.map((key) => model.get(key)?.value ?? null),
            told,
          )
          break
        }
        default:
          if (random(10) === 0) {
            await store.drop(table)
            model.clear()
          }
          assert.deepEqual(
            await scanned(store, table),
            [...model].map(([key, { moment, value }]) => row(key, moment, value)).sort(byKey),
            told,
          )
      }
    }
  },
}

async function write(
  store: OnlineStore,
  table: string,
  model: Model,
  rows: readonly (readonly [string, number, string])[],
  told: string,
): Promise<void> {
  const newest = new Map(model)
  for (const [key, moment, value] of rows) if (moment >= (newest.get(key)?.moment ?? moment)) newest.set(key, { moment, value })
  const { written, older } = await store.write(
    table,
    rows.map((each) => row(...each)),
  )
  assert.equal(written + older, rows.length, told)
  for (const [key, kept] of newest) model.set(key, kept)
}

async function scanned(store: OnlineStore, table: string): Promise<OnlineRow[]> {
  const rows: OnlineRow[] = []
  for await (const each of store.scan(table)) rows.push(each)
  return rows.sort(byKey)
}

const byKey = (a: OnlineRow, b: OnlineRow): number => Buffer.compare(a.key, b.key)
