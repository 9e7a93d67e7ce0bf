import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { catalogueOf } from '../definition/index.ts'
import { deprecate, lifeCycleSubject } from '../governance/index.ts'
import { count, entity, events, featureGroup, featureView, onDemand, openStore, t } from '../index.ts'
import { Server } from './index.ts'

const user = entity('user', { user_id: t.string() })
const clicks = events('clicks', { columns: { user_id: t.string(), at: t.timestamp() }, time: 'at' })
const group = featureGroup({ name: 'activity', entity: user, source: clicks, features: () => ({ clicks: count().over('1h') }) })
const context = onDemand({
  name: 'context',
  from: [group.pick('clicks')],
  features: { twice: t.integer() },
  compute: ({ clicks: known }) => ({ twice: (known ?? 0) * 2 }),
})
const coded = featureView({ name: 'coded', features: [context] })

test('who reads by code what is deprecated is warned, and in a brown-out gets what the code computes', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lockstep-deprecations-'))
  const store = await openStore({ definitions: [coded], folder })
  try {
    const say = async (name: string) => {
      const subject = lifeCycleSubject(catalogueOf([coded]), name, 'dev')
      const brownOuts = [{ from: '2000-01-01T00:00:00Z', to: '2999-01-01T00:00:00Z' }]
      await deprecate(store.registry, 'dev', subject, 'ada', { reason: 'slow', brownOuts })
    }
    const read = async () => {
      await using server = await Server.start(store, { log: 'silent' })
      const answer = await fetch(`${server.url}/v1/views/coded/vectors`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ keys: { user_id: 'u1' }, names: 'per_row' }),
      })
      const body = JSON.parse(await answer.text())
      return [body.deprecated?.map(({ id }: { id: string }) => id), body.rows[0].statuses.twice]
    }
    const [, status] = await read()
    assert.notEqual(status, 'FAILED')
    await say('activity@1.clicks')
    assert.deepEqual(await read(), [['activity@1.clicks'], status])
    await say('onDemand:context@1')
    assert.deepEqual(await read(), [['onDemand:context@1'], 'FAILED'])
  } finally {
    await store.close()
    await rm(folder, { recursive: true })
  }
})
