import assert from 'node:assert/strict'
import { test } from 'node:test'
import { count, entity, events, featureGroup, featureView, onDemand, snapshotOf } from '../definition/index.ts'
import type { Duration } from '../lib/duration.ts'
import { t } from '../schema/index.ts'
import { targetOf } from './target.ts'

const user = entity('user', { user_id: t.string() })
const clicks = (extra: boolean) =>
  events('clicks', { columns: { user_id: t.string(), at: t.timestamp(), ...(extra ? { page: t.string() } : {}) }, time: 'at' })
const group = (version: number, window: Duration, extra = false) =>
  featureGroup({ name: 'activity', version, entity: user, source: clicks(extra), features: () => ({ click_count: count().over(window) }) })
const view = (version: number, of: ReturnType<typeof group>) => featureView({ name: 'ranking', version, features: [of] })
const other = featureView({ name: 'other', features: [group(1, '30m')] })

test('a version raised in a file makes a new one beside the old one; what no version is left of goes', () => {
  const applied = snapshotOf([view(1, group(1, '30m')), other])
  const { snapshot, kept } = targetOf([view(2, group(2, '60m'))], applied)
  assert.deepEqual(kept, ['group:activity@1', 'view:ranking@1'])
  assert.deepEqual(
    [...snapshot.keys()],
    ['entity:user', 'group:activity@1', 'group:activity@2', 'source:clicks', 'view:ranking@1', 'view:ranking@2'],
  )
  for (const id of kept) assert.deepEqual(snapshot.get(id), applied.get(id))
})

test('what a kept version needs is kept with it, and has the meaning that the files give it', () => {
  const applied = snapshotOf([view(1, group(1, '30m'))])
  const renamed = featureGroup({ name: 'clicks', entity: user, source: clicks(true), features: () => ({ click_count: count() }) })
  const { snapshot, kept } = targetOf([featureView({ name: 'ranking', version: 2, features: [renamed] })], applied)
  assert.deepEqual(kept, ['group:activity@1', 'view:ranking@1'])
  assert.notEqual(snapshot.get('group:activity@1')?.meaning, applied.get('group:activity@1')?.meaning)
})

test('kept on-demand views whose code was replaced are named', () => {
  const computed = (version: number, more: number) =>
    onDemand({
      name: 'context',
      version,
      from: [group(1, '30m').pick('click_count')],
      features: { busy: t.boolean() },
      compute: more === 1 ? ({ click_count }) => ({ busy: click_count > 1 }) : ({ click_count }) => ({ busy: click_count > 2 }),
    })
  const files = [featureView({ name: 'ranking', version: 2, features: [computed(2, 2)] })]
  const applied = snapshotOf([featureView({ name: 'ranking', version: 1, features: [computed(1, 1)] })])
  assert.deepEqual(targetOf(files, applied).withoutCode, ['onDemand:context@1'])
})
