import assert from 'node:assert/strict'
import { test } from 'node:test'
import { catalogueOf, count, entity, events, featureGroup, featureView, onDemand } from '../definition/index.ts'
import { t } from '../schema/index.ts'
import type { LifeCycle, LifeStatus } from './life-cycles.ts'
import { Standings } from './standings.ts'

const user = entity('user', { user_id: t.string() })
const clicks = events('clicks', { columns: { user_id: t.string(), at: t.timestamp() }, time: 'at' })
const groupOf = (version: number, status: 'draft' | 'active') =>
  featureGroup({
    name: 'activity',
    version,
    status,
    entity: user,
    source: clicks,
    features: () => ({ one: count().over('1h'), two: count().over('2h') }),
  })
const code = onDemand({ name: 'context', status: 'draft', from: [], features: { x: t.integer() }, compute: () => ({ x: 1 }) })
const views = [1, 2].map((version) =>
  featureView({
    name: 'ranking',
    version,
    status: version === 1 ? 'active' : 'draft',
    features: [groupOf(version, version === 1 ? 'active' : 'draft'), code],
  }),
)
const said = (id: string, status: LifeStatus): LifeCycle => ({
  id,
  status,
  replacement: null,
  removeAfter: null,
  reason: '',
  brownOuts: [],
  at: '',
  by: '',
})

test('what is declared counts until the registry knows of something later; a feature stands where its group does', () => {
  const standing = (...cycles: LifeCycle[]) => {
    const standings = new Standings(catalogueOf(views), cycles)
    return (id: string) => standings.of(id).status
  }
  const declared = standing()
  for (const [id, status] of Object.entries({
    'group:activity@1': 'active',
    'group:activity@2': 'draft',
    'activity@2': 'draft',
    'activity@2.one': 'draft',
    'context@1.x': 'draft',
    'onDemand:context@1': 'draft',
    'view:ranking@1': 'active',
    'view:ranking@2': 'draft',
    'source:clicks': 'active',
    'source:clicks.at': 'active',
  }))
    assert.equal(declared(id), status, id)

  const later = standing(said('group:activity@2', 'deprecated'), said('activity@2.one', 'removed'), said('view:ranking@2', 'active'))
  assert.deepEqual(['activity@2.one', 'activity@2.two', 'group:activity@2', 'activity@1.one', 'view:ranking@2'].map(later), [
    'removed',
    'deprecated',
    'deprecated',
    'active',
    'draft',
  ])
  // A feature that was restored is deprecated with its group.
  assert.equal(standing(said('group:activity@1', 'deprecated'), said('activity@1.one', 'active'))('activity@1.one'), 'deprecated')
})
