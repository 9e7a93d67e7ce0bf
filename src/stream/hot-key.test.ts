import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  average,
  count,
  countDistinct,
  decayedSum,
  entity,
  events,
  featureGroup,
  last,
  lastN,
  maximum,
  quantile,
  sum,
  topK,
  variance,
} from '../definition/index.ts'
import { LockstepError } from '../errors.ts'
import { type OracleRow, oracleValues } from '../oracle/index.ts'
import { type EventGroupPlan, planGroup } from '../plan/index.ts'
import { type Cell, t } from '../schema/index.ts'
import { seededRandom } from '../testing/seeded-random.ts'
import { LiveGroup } from './live-group.ts'

const source = events('visits', {
  columns: {
    visit: t.integer(),
    user: t.string(),
    at: t.timestamp(),
    amount: t.float(),
    bonus: t.float().nullable(),
    page: t.string().nullable(),
    kind: t.oneOf('view', 'order'),
  },
  time: 'at',
  id: 'visit',
})

const group = featureGroup({
  name: 'visits',
  entity: entity('user', { user: t.string() }),
  source,
  features: (row) => ({
    count_all: count(),
    sum_all: sum(row.amount),
    sum_window: sum(row.amount).over('3000us'),
    bonus_window: average(row.bonus).over('2000us'),
    bonus_max: maximum(row.bonus).over('2500us'),
    order_variance: variance(row.amount).where(row.kind.eq('order')).over('2900us'),
    orders: count().where(row.kind.eq('order')).over('1700us', { resolution: '100us' }),
    pages: countDistinct(row.page).over('2800us'),
    top_pages: topK(row.page, 3).over('2800us'),
    median: quantile(row.amount, 0.5).over('1000us'),
    fading: decayedSum(row.amount, '500us').over('2600us'),
    last_page: last(row.page),
    last_amounts: lastN(row.amount, 4).where(row.kind.eq('order')).over('2000us'),
    bucket: sum(row.bonus).tumbling('700us', 'last'),
    session: sum(row.amount).session('6us'),
    since_order: count().since(row.kind.eq('order')),
    since_rare: sum(row.amount).since(row.amount.gt(98)),
  }),
})

const plan = planGroup(group) as EventGroupPlan

for (const seed of [1, 2, 3]) {
  test(`a key with many events reads as the oracle says, however it grows (seed ${seed})`, { timeout: 300_000 }, () => run(seed))
}

function run(seed: number): void {
  const random = seededRandom(seed)
  const live = new LiveGroup(plan, { hotEvents: 64, recentEvents: 100, evaluatedEvents: seed === 3 ? 0 : 1e6 })
  const versions = new Map<number, OracleRow & { known: number }>()
  let commits = 0
  let now = 1_700_000_000_000_000
  let horizon = 0
  let known = 0
  const apply = (visit: number, at: number) => {
    const row = {
      visit,
      user: 'u',
      at,
      amount: random(1000) / 10,
      bonus: random(4) === 0 ? null : random(1e6) / 3,
      page: random(10) === 0 ? null : `page ${random(300)}`,
      kind: random(5) === 0 ? 'order' : 'view',
    }
    const outcome = live.apply(
      'u',
      at,
      ++known,
      plan.state.columns.map((name) => row[name as keyof typeof row] as Cell),
    )
    if (outcome === 'late') assert.ok(at < horizon)
    else versions.set(visit, { ...row, known })
  }
  const open = () => [...versions.values()].filter(({ at }) => (at as number) >= horizon)
  live.load('u', null, null)
  for (let step = 0; step < 60; step++) {
    for (let i = random(120); i >= 0; i--) {
      now += random(4)
      apply(known + 1, now)
    }
    if (random(3) === 0) for (let i = random(4); i >= 0; i--) apply(known + 1, now - random(random(2) === 0 ? 30 : 1500))
    if (random(4) === 0) {
      const some = open()
      const one = some[random(some.length)]
      if (one) apply(one.visit as number, (one.at as number) + random(3) - 1)
    }
    if (random(6) === 0) {
      horizon = now - random(1200)
      live.advance(horizon)
    }
    if (random(4) === 0) {
      live.takeChanges(new Uint8Array(16).fill(++commits, 8))
      live.committed()
    }
    if (random(2) === 0) check(live, [...versions.values()], [now + 1, now - random(20), now + random(4000), now], horizon)
  }
  assert.ok(live.events > 500)
}

function check(live: LiveGroup, rows: readonly OracleRow[], moments: readonly number[], horizon: number): void {
  for (const moment of moments) {
    const read = live.read('u')
    assert.ok(read)
    try {
      read.seek(moment)
    } catch (error) {
      assert.ok(error instanceof LockstepError && error.code === 'READ_BEFORE_STATE' && moment < horizon)
      continue
    }
    const found = Object.fromEntries(plan.features.map(({ name }, feature) => [name, read.value(feature)]))
    assert.deepEqual(found, oracleValues(group, rows, { user: 'u' }, moment).values)
  }
}
