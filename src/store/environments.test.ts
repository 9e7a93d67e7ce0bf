import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { count, entity, events, featureGroup, featureView, rows, topic } from '../definition/index.ts'
import { lmdbOnlineStore } from '../online/drivers/lmdb.ts'
import { memoryOnlineStore } from '../online/drivers/memory.ts'
import { t } from '../schema/index.ts'
import { openStore } from './open-store.ts'

const folder = mkdtempSync(join(tmpdir(), 'lockstep-environments-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const user = entity('user', { user_id: t.integer() })
const columns = { click_id: t.string(), user_id: t.integer(), at: t.timestamp() }
const history = rows([{ click_id: 'a', user_id: 1, at: '2026-03-01T10:00:00Z' }])
const clicks = events('clicks', { columns, time: 'at', id: 'click_id', history })
const stream = topic('live', { key: 'user_id', partitions: 1 })
const live = events('live', { columns, time: 'at', id: 'click_id', lateness: '1h', stream })
const features = () => ({ click_count_1h: count().over('1h') })
const activity = featureGroup({ name: 'activity', entity: user, source: clicks, features })
const ranking = featureView({ name: 'ranking', features: [activity] })
const streamed = featureGroup({ name: 'streamed', entity: user, source: live, features: () => ({ live_count_1h: count().over('1h') }) })

const refusal = { code: 'INVALID_ARGUMENT', message: /holds the rows of the environment dev, and not of prod/, remedy: /of its own/ }

for (const [name, online] of [
  ['lmdb', lmdbOnlineStore({ path: join(folder, 'shared') })],
  ['memory', memoryOnlineStore()],
] as const)
  test(`rows of another environment in one place are neither written nor read: ${name}`, async () => {
    const path = join(folder, name)
    const open = (environment: string) =>
      openStore({ definitions: [ranking, streamed], folder: path, online, environment, clock: () => new Date('2026-03-01T10:30:00Z') })
    const keys = { user_id: 1 }
    const [dev, prod] = [await open('dev'), await open('prod')]
    // Nothing is there yet: who reads takes nothing.
    await prod.vector(ranking, keys)
    await dev.materialize([activity])
    assert.equal((await dev.vector(ranking, keys)).values.click_count_1h, 1)
    const refused = await open('prod')
    await assert.rejects(refused.materialize([activity]), refusal)
    await assert.rejects(refused.vector(ranking, keys), refusal)
    await assert.rejects(refused.checkStored(), refusal)
    await assert.rejects(refused.stream(), refusal)
    await assert.rejects(refused.replay([streamed]), refusal)
    await assert.rejects(prod.materialize([activity]), refusal, 'who read before it was taken does not write either')
    assert.equal((await dev.vector(ranking, keys)).values.click_count_1h, 1)
    await online.close()
  })

test('of environments that begin in one place at once one wins', async () => {
  const online = memoryOnlineStore()
  const stores = await Promise.all(
    ['dev', 'prod', 'staging'].map((environment) =>
      openStore({
        definitions: [ranking],
        folder: join(folder, environment),
        online,
        environment,
        clock: () => new Date('2026-03-01T11:00:00Z'),
      }),
    ),
  )
  const tried = await Promise.allSettled(stores.map((store) => store.materialize()))
  assert.equal(tried.filter(({ status }) => status === 'fulfilled').length, 1)
})
