import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { formatMoment } from '../src/lib/moment.ts'
import { dayOf } from '../src/registry/usage.ts'
import { openRegistry } from '../src/store/index.ts'
import { lockstep, smallProject } from './support/command-line.ts'

test('what was done is in the registry: runs, statistics, training sets, models, lineage from column to model and caller', async () => {
  using project = smallProject()
  const did = async (...given: string[]) => {
    const { code, stdout, stderr } = await lockstep(project.path, ...given, '--as', 'ada', '--json')
    assert.equal(code, 0, stderr)
    return JSON.parse(stdout)
  }
  await did('materialize', 'user_clicks')
  await did('train', 'visit', '--labels', 'labels.csv', '--out', 'visit.parquet')
  const runs = await did('runs')
  assert.deepEqual(
    runs.map(({ kind, subject, by, rows, outcome }: Record<string, unknown>) => [kind, subject, by, rows, outcome]),
    [
      ['train', 'view:visit@1', 'ada', 4, 'done'],
      ['materialize', 'user_clicks@1', 'ada', 2, 'done'],
    ],
  )
  const [lifetime] = await did('statistics', 'user_clicks.user_price_sum_lifetime', '--periods', '2')
  assert.deepEqual(
    [lifetime.origin, lifetime.count, lifetime.minimum, lifetime.maximum, lifetime.mean],
    ['materialize', 2, '0.00', '16.75', 8.375],
  )
  const trained = await did('statistics', 'user_daily')
  assert.deepEqual([trained[0].origin, trained[0].nulls, trained[0].top], ['train', 3, [{ value: 'shoes', count: 1 }]])
  assert.equal((await did('statistics', 'user_profile', '--compute'))[0].top[0].value, 'paid')

  const [set] = await did('training-set', 'list')
  assert.deepEqual([set.view, set.rows, set.live], ['visit', 4, true])
  await did('model', 'register', 'ranker', '--training-set', set.id, '--owner', 'growth')
  const refused = await lockstep(project.path, 'training-set', 'retire', set.id)
  assert.match(refused.stderr, /IN_USE/)
  const registry = openRegistry({ folder: join(project.path, '.lockstep') })
  const now = Date.now() * 1000
  const read = {
    caller: 'web',
    model: '',
    view: 'offer',
    version: 3,
    features: ['budget_per_click', 'user_click_count_1h'],
    requests: 1,
    vectors: 1,
    first: now,
    last: now,
  }
  await registry.usage.write('dev', dayOf(now), 'process', [read])
  await registry.close()
  assert.deepEqual(
    (await did('usage')).map(({ caller, feature }: Record<string, unknown>) => [caller, feature]),
    [
      ['web', 'budget_per_click'],
      ['web', 'user_click_count_1h'],
    ],
  )
  const [clicks] = await did('statistics', 'user_clicks.user_click_count_1h', '--periods', '1')
  assert.deepEqual([clicks.readBy, clicks.freshness], [[{ caller: 'web', model: '', last: formatMoment(now) }], null])
  assert.ok(clicks.behindSeconds > 0 && clicks.behindSeconds < 600)
  const { down } = await did('lineage', 'source:clicks.at', '--down')
  const ids = down.nodes.map(({ id }: { id: string }) => id)
  for (const id of [
    'user_clicks@1.user_click_count_1h',
    'context@1.budget_per_click',
    `trainingSet:${set.id}`,
    'model:ranker',
    'caller:web',
  ])
    assert.ok(ids.includes(id), id)
  const { up } = await did('lineage', 'caller:web', '--up')
  assert.ok(up.nodes.some(({ id }: { id: string }) => id === 'request:context@1.budget'))
  assert.ok(!up.nodes.some(({ id }: { id: string }) => id === 'source:clicks.price'))
  await did('model', 'retire', 'ranker')
  await did('training-set', 'retire', set.id)
  assert.deepEqual(
    (await did('audit')).entries.map(({ action }: { action: string }) => action),
    ['model.register', 'model.retire', 'trainingSet.retire'],
  )
})

test('lineage for people and as a chart; search by words, one of them with a slip', async () => {
  using project = smallProject()
  const shows = async (...given: string[]) => {
    const { code, stdout, stderr } = await lockstep(project.path, ...given)
    assert.equal(code, 0, stderr)
    return stdout
  }
  assert.equal(
    await shows('lineage', 'context@1', '--up'),
    `COMES FROM
context@1.budget_per_click
├─ user_clicks@1.user_click_count_1h
│  ├─ source:clicks.user_id  (key)
│  └─ source:clicks.at  (time)
└─ request:context@1.budget
`,
  )
  assert.equal(
    await shows('lineage', 'user_profile', '--up', '--format', 'mermaid'),
    `flowchart LR
  subgraph "user_profile@1"
    n0["user_plan"]
  end
  subgraph "source:profiles"
    n1["plan"]
    n2["user_id"]
    n3["since"]
  end
  n1 --> n0
  n2 -. key .-> n0
  n3 -. time .-> n0
  style n0 stroke-width:3px
`,
  )
  assert.match((await shows('search', 'clisk', 'hour')).split('\n')[1] ?? '', /user_clicks@1.user_click_count_1h/)
  assert.match(await shows('search', 'nonsense'), /Nothing/)
  const { stderr } = await lockstep(project.path, 'lineage', 'view:vist')
  assert.match(stderr, /UNKNOWN_NAME/)
})
