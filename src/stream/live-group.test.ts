import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  count,
  decayedSum,
  type Expression,
  entity,
  events,
  every,
  type FeatureGroupData,
  featureGroup,
  last,
  type Row,
  secondsSince,
  sum,
} from '../definition/index.ts'
import { LockstepError } from '../errors.ts'
import { type EventGroupPlan, planGroup } from '../plan/index.ts'
import { type Cell, t } from '../schema/index.ts'
import { LiveGroup, type LiveGroupOptions } from './live-group.ts'

const user = entity('user', { user: t.string() })
const columns = { id: t.integer(), user: t.string(), at: t.timestamp(), amount: t.integer(), kind: t.oneOf('view', 'order') }
const withIds = events('with_ids', { columns, time: 'at', id: 'id' })
const withoutIds = events('without_ids', { columns, time: 'at' })

function liveGroup(
  source: typeof withIds,
  features: (row: Row<typeof columns>) => Readonly<Record<string, Expression>>,
  options: LiveGroupOptions & { every?: string } = {},
) {
  const { every: period, ...rest } = options
  const refresh = period === undefined ? {} : { refresh: every(period as '1d') }
  const group = featureGroup({ name: 'g', entity: user, source, features, ...refresh })
  const plan = planGroup(group as FeatureGroupData) as EventGroupPlan
  const live = new LiveGroup(plan, rest)
  const stored = new Map<string, { sealed: Uint8Array | null; recent: Uint8Array | null }>()
  const bring = (key: string) => {
    const rows = stored.get(key)
    if (!live.has(key)) live.load(key, rows?.sealed ?? null, rows?.recent ?? null)
  }
  let commits = 0
  let ids = 0
  return {
    live,
    bring,
    apply(key: string, at: number, event: { id?: number; amount?: number; kind?: string; known?: number } = {}) {
      const { id = --ids, amount = 1, kind = 'view', known = at } = event
      const row: Record<string, Cell> = { id, amount, kind }
      bring(key)
      return live.apply(
        key,
        at,
        known,
        plan.state.columns.map((name) => row[name] as Cell),
      )
    },
    /** How many rows of each kind were stored. */
    store() {
      const { sealed, recent } = live.takeChanges(new Uint8Array(16).fill(++commits, 15))
      const rowsOf = (key: Uint8Array) => stored.get(Buffer.from(key).toString('latin1')) ?? { sealed: null, recent: null }
      for (const { key, value } of sealed) stored.set(Buffer.from(key).toString('latin1'), { ...rowsOf(key), sealed: value })
      for (const { key, value } of recent) stored.set(Buffer.from(key).toString('latin1'), { ...rowsOf(key), recent: value })
      live.committed()
      return [sealed.length, recent.length]
    },
    value(key: string, q: number, feature = 0): Cell {
      bring(key)
      const read = live.read(key)
      read?.seek(q)
      return read?.value(feature) as Cell
    },
    next(key: string, q: number, feature = 0): number | null | undefined {
      bring(key)
      const read = live.read(key)
      read?.seek(q)
      return read?.nextChangeAt(feature)
    },
  }
}

test('an event is in the very next read, and leaves its window by itself', () => {
  const unit = liveGroup(withoutIds, (row) => ({ total: sum(row.amount).over('10us') }))
  unit.apply('a', 100, { amount: 5 })
  assert.equal(unit.value('a', 100), 0)
  assert.equal(unit.value('a', 101), 5)
  assert.equal(unit.value('a', 110), 5)
  assert.equal(unit.value('a', 111), 0)
})

test('copies are one event, corrections replace it in whatever order they come', () => {
  const unit = liveGroup(withIds, (row) => ({ total: sum(row.amount) }))
  assert.equal(unit.apply('a', 100, { id: 1, amount: 5, known: 7 }), 'accepted')
  assert.equal(unit.apply('a', 100, { id: 1, amount: 5, known: 7 }), 'duplicate')
  assert.equal(unit.apply('a', 90, { id: 1, amount: 6, known: 9 }), 'corrected')
  assert.equal(unit.apply('a', 100, { id: 1, amount: 4, known: 8 }), 'duplicate')
  assert.equal(unit.apply('a', 90, { id: 1, amount: 7, known: 9 }), 'corrected', 'the greater content of those known at one time')
  assert.equal(unit.value('a', 91), 7)
  assert.equal(unit.value('a', 90), 0)
  assert.equal(unit.live.events, 1)
})

test('without ids nothing is a copy, and content orders events of one moment', () => {
  const unit = liveGroup(withoutIds, (row) => ({ amount: last(row.amount), events: count() }))
  for (const amount of [3, 9, 4, 9]) unit.apply('a', 100, { id: 1, amount })
  assert.equal(unit.value('a', 101, 0), 9)
  assert.equal(unit.value('a', 101, 1), 4)
})

test('an event is late only where what the horizon let go of could tell', () => {
  const lifetime = liveGroup(withoutIds, (row) => ({ total: sum(row.amount) }))
  lifetime.apply('a', 100)
  lifetime.live.advance(150)
  assert.equal(lifetime.apply('a', 50), 'accepted', 'nothing was let go of')
  lifetime.store()
  assert.equal(lifetime.apply('a', 149), 'late')
  assert.equal(lifetime.apply('b', 50), 'accepted', 'of another key, of which nothing is known')
})

test('what is folded stays folded: events before the horizon are late, those at it are not', () => {
  const unit = liveGroup(withoutIds, (row) => ({ total: sum(row.amount) }), { recentEvents: -1 })
  for (const at of [100, 120, 140]) unit.apply('a', at)
  unit.live.advance(130)
  assert.deepEqual(unit.store(), [1, 0])
  assert.equal(unit.live.events, 1)
  assert.equal(unit.apply('a', 129), 'late')
  assert.equal(unit.apply('a', 130), 'accepted')
  assert.equal(unit.value('a', 141), 4)
  assert.throws(
    () => unit.value('a', 129),
    (error) => error instanceof LockstepError && error.code === 'READ_BEFORE_STATE',
  )
})

test('a late event does not join a session to one that was let go of', () => {
  const unit = liveGroup(withoutIds, () => ({ visits: count().session('10us') }), { recentEvents: -1 })
  unit.apply('a', 100)
  unit.apply('a', 115)
  unit.live.advance(120)
  unit.store()
  assert.equal(unit.live.events, 1)
  assert.equal(unit.apply('a', 108), 'late')
  assert.equal(unit.apply('a', 115), 'accepted')
  assert.equal(unit.value('a', 120), 2)
})

test('since: what came before the match is gone, and the match can no longer change', () => {
  const unit = liveGroup(withIds, (row) => ({ views: count().since(row.kind.eq('order')) }), { recentEvents: -1 })
  unit.apply('a', 100, { id: 1 })
  unit.apply('a', 110, { id: 2, kind: 'order' })
  unit.apply('a', 110, { id: 3 })
  unit.live.advance(120)
  unit.store()
  assert.equal(unit.apply('a', 110, { id: 2, kind: 'view', known: 200 }), 'late')
  assert.equal(unit.apply('a', 105, { id: 4 }), 'late')
  assert.equal(unit.apply('a', 111, { id: 5 }), 'accepted')
  assert.equal(unit.value('a', 120), 2)
})

test('keys are sealed once, then their recent rows grow until they are sealed again', () => {
  const unit = liveGroup(withoutIds, (row) => ({ total: sum(row.amount).over('1000us') }), { recentEvents: 3 })
  const stored = []
  for (let at = 100; at < 110; at++) {
    unit.apply('a', at)
    stored.push(unit.store())
  }
  const [seal, recent] = [
    [1, 0],
    [0, 1],
  ]
  assert.deepEqual(stored, [seal, recent, recent, recent, seal, recent, recent, recent, seal, recent])
  assert.deepEqual(unit.store(), [0, 0], 'nothing has changed')
})

test('what is stored is what is read again, after keys have left memory', () => {
  const unit = liveGroup(withIds, (row) => ({ total: sum(row.amount).over('1000us'), ever: sum(row.amount) }), {
    maxBytes: 0,
    recentEvents: 2,
  })
  const sums = new Map<string, number>()
  for (let i = 0; i < 500; i++) {
    const key = `k${(i * 7) % 23}`
    unit.apply(key, 1000 + i, { id: i, amount: i })
    sums.set(key, (sums.get(key) ?? 0) + i)
    if (i % 5 === 0) unit.store()
    if (i % 50 === 0) unit.live.advance(900 + i)
  }
  unit.store()
  unit.store()
  assert.ok(unit.live.keys < 23, 'some have left')
  for (const [key, total] of sums) {
    assert.equal(unit.value(key, 1600, 0), total)
    assert.equal(unit.value(key, 1600, 1), total)
  }
})

test('keys that have changed, or that were asked for, do not leave memory', () => {
  const unit = liveGroup(withoutIds, () => ({ events: count() }), { maxBytes: 0 })
  unit.apply('changed', 100)
  unit.bring('wanted')
  unit.live.takeChanges(new Uint8Array(16))
  for (let i = 0; i < 50; i++) unit.bring(`other ${i}`)
  assert.ok(unit.live.has('changed') && unit.live.has('wanted'))
  unit.live.committed()
  unit.live.read('wanted')
  unit.live.read('changed')
  unit.live.committed()
  assert.deepEqual([unit.live.has('changed'), unit.live.has('wanted')], [false, false])
})

test('values say when they next change without an event', () => {
  const unit = liveGroup(withoutIds, (row) => ({
    window: sum(row.amount).over('10us'),
    orders: count().where(row.kind.eq('order')).over('10us'),
    rough: count().over('10us', { resolution: '4us' }),
    bucket: count().tumbling('50us'),
    before: count().tumbling('50us', 'last'),
    session: count().session('7us'),
    ever: count(),
    since: secondsSince(last(row.at)),
    fading: decayedSum(row.amount, '10us').over('10us'),
    delayed: count().over('10us').delay('5us'),
  }))
  unit.apply('a', 102)
  unit.apply('a', 109)
  const next = (q: number) => Array.from({ length: 10 }, (_, feature) => unit.next('a', q, feature))
  assert.deepEqual(next(102), [103, null, 103, 103, 150, 103, 103, 103, 103, 108])
  assert.deepEqual(next(110), [113, null, 114, 150, 150, 117, null, 111, 111, 115])
  assert.deepEqual(next(120), [null, null, 122, 150, 150, null, null, 121, null, 125])
  assert.deepEqual(next(150), [null, null, null, null, 200, null, null, 151, null, null])
})

test('values of ticks change at ticks', () => {
  const unit = liveGroup(withoutIds, () => ({ events: count().over('30us') }), { every: '20us' })
  unit.apply('a', 105)
  assert.equal(unit.next('a', 105), 120)
  assert.equal(unit.value('a', 119), 0)
  assert.equal(unit.value('a', 120), 1)
  assert.equal(unit.next('a', 125), 140)
  assert.equal(unit.value('a', 140), 0)
})
