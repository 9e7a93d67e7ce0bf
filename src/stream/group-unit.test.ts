import assert from 'node:assert/strict'
import { test } from 'node:test'
import { count, entity, events, featureGroup, topic } from '../definition/index.ts'
import { memoryOnlineStore } from '../online/drivers/memory.ts'
import { type EventGroupPlan, planGroup } from '../plan/index.ts'
import { encodeKey, t } from '../schema/index.ts'
import { GroupUnit, keyText } from './group-unit.ts'
import type { StreamEvent } from './stream-event.ts'

test('an event without a key is of nobody, and does no harm', async () => {
  const source = events('clicks', {
    columns: { user_id: t.string().nullable(), at: t.timestamp() },
    time: 'at',
    stream: topic('clicks', { key: 'user_id' }),
  })
  const user = entity('user', { user_id: t.string() })
  const group = featureGroup({ name: 'user_clicks', entity: user, source, features: () => ({ user_click_count_lifetime: count() }) })
  const event = (offset: number, key: string | null): StreamEvent => {
    const place = { partition: 0, offset }
    const record = { ...place, taken: offset, key: null, value: null, headers: [] }
    return { ...place, record, origin: { ...place, taken: offset }, cells: [key, offset], time: offset, known: offset }
  }
  const clock = { now: () => 1e12, sleep: async () => {} }
  const plan = planGroup(group) as EventGroupPlan
  const unit = await GroupUnit.open({ plan, partition: 0, state: memoryOnlineStore(), clock, owner: 'one', initial: {} })
  await unit.take([event(0, 'a'), event(1, null), event(2, 'a')], [], 3)
  assert.equal(unit.position, 3)
  const key = unit.live.read(keyText(encodeKey([t.string().data], ['a'])))
  key?.seek(100)
  assert.equal(key?.value(0), 2)
})
