import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  average,
  count,
  countDistinct,
  decayedSum,
  entity,
  events,
  type FeatureGroupData,
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

/** Windows of about `span` microseconds. */
const visitsOver = (span: number) =>
  featureGroup({
    name: 'visits',
    entity: entity('user', { user: t.string() }),
    source,
    features: (row) => {
      const part = (share: number) => `${Math.ceil(span * share)}us` as const
      return {
        count_all: count(),
        sum_all: sum(row.amount),
        sum_window: sum(row.amount).over(part(1)),
        bonus_window: average(row.bonus).over(part(0.7)),
        bonus_max: maximum(row.bonus).over(part(0.8)),
        order_variance: variance(row.amount).where(row.kind.eq('order')).over(part(0.95)),
        orders: count().where(row.kind.eq('order')).over(part(0.6), { resolution: '20us' }),
        pages: countDistinct(row.page).over(part(0.9)),
        top_pages: topK(row.page, 3).over(part(0.9)),
        median: quantile(row.amount, 0.5).over(part(0.3)),
        fading: decayedSum(row.amount, '500us').over(part(0.85)),
        last_page: last(row.page),
        last_amounts: lastN(row.amount, 4).where(row.kind.eq('order')).over(part(0.7)),
        bucket: sum(row.bonus).tumbling(part(0.2), 'last'),
        session: sum(row.amount).session('2us'),
        since_order: count().since(row.kind.eq('order')),
        since_rare: sum(row.amount).since(row.amount.gt(98)),
      }
    },
  })

const cases = [
  { seed: 1, span: 3000, evaluatedEvents: 1e6 },
  { seed: 2, span: 400, evaluatedEvents: 1e6 },
  { seed: 3, span: 150, evaluatedEvents: 1e6 },
  { seed: 4, span: 1000, evaluatedEvents: 0 },
]

for (const one of cases) {
  test(`a key with many events reads as the oracle says, however it grows: ${JSON.stringify(one)}`, { timeout: 300_000 }, () => run(one))
}

function run({ seed, span, evaluatedEvents }: (typeof cases)[number]): void {
  const random = seededRandom(seed)
  const group = visitsOver(span)
  const plan = planGroup(group as FeatureGroupData) as EventGroupPlan
  const live = new LiveGroup(plan, { hotEvents: 64, recentEvents: 100, evaluatedEvents })
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
    if (random(3) === 0) for (let i = random(4); i >= 0; i--) apply(known + 1, now - random(random(2) === 0 ? 30 : span / 2))
    if (random(4) === 0) {
      const some = open()
      const one = some[random(some.length)]
      if (one) apply(one.visit as number, (one.at as number) + random(3) - 1)
    }
    if (random(6) === 0) {
      horizon = Math.max(horizon, now - random(Math.ceil(span / 3)))
      live.advance(horizon)
    }
    if (random(4) === 0) {
      live.takeChanges(new Uint8Array(16).fill(++commits, 8))
      live.committed()
    }
    if (random(2) === 0)
      check(group, plan, live, [...versions.values()], [now + 1, now - random(20), now + random(Math.ceil(span * 1.3)), now], horizon)
  }
}

function check(
  group: FeatureGroupData,
  plan: EventGroupPlan,
  live: LiveGroup,
  rows: readonly OracleRow[],
  moments: readonly number[],
  horizon: number,
): void {
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
