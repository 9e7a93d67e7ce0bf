import assert from 'node:assert/strict'
import { test } from 'node:test'
import { momentMicros } from '../lib/moment.ts'
import type { Explanation, ShownEvent } from '../pointintime/index.ts'
import { lateEvents } from './late-events.ts'

test('events that became known after a read are told, each once, also behind on-demand code', () => {
  const event = (id: string, known: string | null): ShownEvent => ({ time: '2026-03-01T10:00:00Z', id: { id }, columns: {}, known })
  const inside = {
    count: 3,
    newest: [event('c', '2026-03-01T13:00:00Z'), event('b', null), event('a', '2026-03-01T11:00:00Z')],
    oldest: event('c', '2026-03-01T13:00:00Z'),
  }
  const events = { kind: 'events', aggregates: [{ inside }, { inside }] } as unknown as Explanation
  const onDemand = { kind: 'onDemand', inputs: [events, { kind: 'table' }] } as unknown as Explanation
  for (const explanation of [events, onDemand])
    assert.deepEqual(
      lateEvents(explanation, momentMicros('2026-03-01T12:00:00Z')).map(({ id }) => id.id),
      ['c'],
    )
})
