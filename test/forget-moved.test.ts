import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { segmentsEventLog } from '../src/eventlog/drivers/segments.ts'
import { applyPlan, planChanges } from '../src/governance/index.ts'
import { count, type Definition, entity, events, featureGroup, featureView, openStore, t, topic } from '../src/index.ts'
import { tracesIn } from './support/forgetting.ts'

const who = 'mallory-4711'
const user = entity('user', { user_id: t.string() })

function viewOn(name: string): Definition {
  const clicks = events('clicks', {
    columns: { click_id: t.string(), user_id: t.string(), at: t.timestamp() },
    time: 'at',
    id: 'click_id',
    lateness: '1h',
    stream: topic(name, { key: 'user_id' }),
  })
  const group = featureGroup({
    name: 'user_clicks',
    entity: user,
    source: clicks,
    features: () => ({ user_click_count_1d: count().over('1d') }),
  })
  return featureView({ name: 'ranking', features: [group] })
}

test('events of a subject are erased from topics that its sources had once', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lockstep-forget-'))
  try {
    const log = segmentsEventLog({ path: join(folder, 'log') })
    await using store = await openStore({ definitions: [viewOn('first')], folder: join(folder, 'store'), log })
    const applied = async (name: string) => {
      const definitions = [viewOn(name)]
      const { plan } = await planChanges({ registry: store.registry, environment: 'dev', definitions, checks: {}, sample: 0 })
      await applyPlan(plan, { registry: store.registry, environment: 'dev', definitions, checks: {}, by: 'ann', message: '' })
    }
    await applied('first')
    await applied('second')
    for (const name of ['first', 'second']) {
      await log.createTopic(name, 1)
      const event = { click_id: name, user_id: who, at: '2026-03-01T10:00:00Z' }
      await log.append(name, [{ key: null, value: Buffer.from(JSON.stringify(event)), partition: 0 }])
    }
    const { places } = await store.forget('user', { user_id: who })
    assert.deepEqual(places.map(({ place, name, before, after }) => [place, name, before, after]).sort(), [
      ['log', 'first', 1, 0],
      ['log', 'second', 1, 0],
    ])
    assert.deepEqual(await tracesIn(folder, who), [])
    await log.close()
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
