import assert from 'node:assert/strict'
import { test } from 'node:test'
import { count, entity, events, every, featureGroup, topic } from '../definition/index.ts'
import { type Cell, t } from '../schema/index.ts'
import { feedsOf } from './feeds.ts'
import type { StreamEvent } from './stream-event.ts'

const columns = { user_id: t.string(), item_id: t.int64(), shop: t.string().nullable(), at: t.timestamp() }
const clicks = events('clicks', { columns, time: 'at', stream: topic('web.clicks', { key: ['user_id', 'item_id'] }) })
const visits = events('visits', { columns, time: 'at', stream: topic('visits', { key: 'shop' }) })
const past = events('past', { columns, time: 'at' })

type Source = typeof clicks | typeof visits | typeof past
const group = (name: string, keys: Readonly<Record<string, string>>, source: Source = clicks) =>
  featureGroup({
    name,
    entity: entity(
      name,
      Object.fromEntries(Object.entries(keys).map(([key, column]) => [key, column === 'item_id' ? t.int64() : t.string()])),
    ),
    keys: keys as never,
    source,
    refresh: name === 'daily' ? every('1d') : undefined,
    features: () => ({ [`${name}_count_1h`]: count().over('1h') }),
  } as never)
const shown = (groups: Parameters<typeof feedsOf>[0]) =>
  feedsOf(groups)
    .map(({ topic: name, columns: by, groups: own, source }) => [source.name, name, by.join(' '), own.map((one) => one.name).join(' ')])
    .sort()

test('groups whose key is that of the topic read it, others a copy by their own', () => {
  const pair = group('pair', { a: 'item_id', b: 'user_id' })
  const same = group('same', { user_id: 'user_id', item_id: 'item_id' })
  const users = group('users', { id: 'user_id' })
  assert.deepEqual(shown([pair, users, same]), [
    ['clicks', 'web.clicks', 'item_id user_id', 'pair same'],
    ['clicks', 'web.clicks.by.user_id', 'user_id', 'users'],
  ])
})

test("a source's own topic is read also where no group needs it, for its history and its copies", () => {
  assert.deepEqual(shown([group('items', { item_id: 'item_id' }), group('shops', { shop: 'shop' }, visits)]), [
    ['clicks', 'web.clicks', 'item_id user_id', ''],
    ['clicks', 'web.clicks.by.item_id', 'item_id', 'items'],
    ['visits', 'visits', 'shop', 'shops'],
  ])
})

test('sources without a stream have no feed', () => {
  assert.deepEqual(shown([group('old', { user_id: 'user_id' }, past)]), [])
  assert.deepEqual(shown([]), [])
})

test('events with one key have one partition, those with another have other bytes', () => {
  const [feed] = feedsOf([group('users', { id: 'user_id' })]).filter(({ groups }) => groups.length > 0)
  const bytes = (...cells: Cell[]) => Buffer.from(feed?.keyOf({ cells } as unknown as StreamEvent) ?? []).toString('hex')
  assert.equal(bytes('a', 1n, 'x', 5), bytes('a', 2n, null, 6))
  assert.notEqual(bytes('a', 1n, 'x', 5), bytes('b', 1n, 'x', 5))
  const [shops] = feedsOf([group('shops', { shop: 'shop' }, visits)])
  assert.ok(shops?.keyOf({ cells: ['a', 1n, null, 5] } as unknown as StreamEvent), 'null is a key like others here')
})
