import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { temporaryFolder } from '../../scripts/workspace.ts'
import { count, entity, events, featureGroup, rows, topic } from '../definition/index.ts'
import { LandedBatch, LandedHistory } from '../offline/index.ts'
import { memoryOnlineStore } from '../online/drivers/memory.ts'
import { sqliteDocumentStore } from '../registry/drivers/sqlite.ts'
import { Registry } from '../registry/index.ts'
import { t } from '../schema/index.ts'
import { costOf } from './cost.ts'

const folder = temporaryFolder()
const registry = new Registry(sqliteDocumentStore({ path: `${folder.path}/registry.sqlite` }))
const landing = new LandedHistory(folder.path)
after(async () => {
  await landing[Symbol.asyncDispose]()
  await registry.close()
  folder[Symbol.dispose]()
})

const user = entity('user', { user_id: t.integer() })
const columns = { id: t.string(), user_id: t.integer(), at: t.timestamp() }
const stream = topic('clicks', { key: 'user_id' })
const at = Date.UTC(2026, 2, 1)
/** Forty events of the users 1 to 20. */
const history = rows(Array.from({ length: 40 }, (_, id) => ({ id: `h${id}`, user_id: 1 + (id % 20), at: new Date(at).toISOString() })))
const [both, streamed] = [history, undefined].map((known) =>
  events('clicks', { columns, time: 'at', id: 'id', stream, ...(known ? { history: known } : {}) }),
) as [ReturnType<typeof events<typeof columns>>, ReturnType<typeof events<typeof columns>>]
const groupOf = (source: typeof both) =>
  featureGroup({ name: 'activity', entity: user, source, features: () => ({ user_clicks_1h: count().over('1h') }) })

/** Sixty events of the users 11 to 40. */
async function land(): Promise<string[]> {
  const batch = new LandedBatch(streamed)
  for (let offset = 0; offset < 60; offset++)
    batch.add({ cells: [`s${offset}`, 11 + (offset % 30), at * 1000], time: at * 1000, taken: at * 1000, partition: 0, offset })
  return (await landing.write(batch, 0, { first: 0, next: 60 })).map((file) => landing.pathOf(file))
}

test('what has landed of a stream costs too, alone and beside a history', async () => {
  const places = { landed: { clicks: await land() } }
  const asked = [both, streamed].map((source) =>
    costOf([groupOf(source)], { registry, places, scratch: memoryOnlineStore, previous: new Map() }),
  )
  const [[whole], [alone]] = (await Promise.all(asked)) as [Awaited<(typeof asked)[0]>, Awaited<(typeof asked)[0]>]
  assert.deepEqual([whole?.rows, whole?.from, whole?.note], [100, 'sample', ''])
  assert.deepEqual([alone?.rows, alone?.from, alone?.note], [60, 'sample', ''])
  const about = (found: number | null | undefined, keys: number) => Math.abs((found ?? 0) - keys) <= keys * 0.15
  assert.ok(about(whole?.keys, 40), `${whole?.keys} keys`)
  assert.ok(about(alone?.keys, 30), `${alone?.keys} keys`)
  assert.ok((alone?.read ?? 0) > 0 && (alone?.bytes ?? 0) > 0 && (whole?.bytes ?? 0) > (alone?.bytes ?? 0))
})

test('a source from which nothing can be read says so', async () => {
  const [cost] = await costOf([groupOf(streamed)], { registry, places: {}, previous: new Map() })
  assert.deepEqual([cost?.rows, cost?.note], [null, 'its source has no history'])
})
