import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { segmentsEventLog } from '../src/eventlog/drivers/segments.ts'
import { count, entity, events, featureGroup, featureView, ndjson, openStore, t, topic } from '../src/index.ts'
import { tracesIn } from './support/forgetting.ts'

const [who, other] = ['mallory-4711', 'trent-0815']

test('rows of a source that no group of the entity reads are found by the names of its keys', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lockstep-forget-'))
  try {
    const customer = entity('customer', { customer_id: t.string() })
    const columns = { view_id: t.string(), customer_id: t.string(), page: t.string(), at: t.timestamp() }
    const event = (view_id: string, customer_id: string) => ({ view_id, customer_id, page: 'p1', at: '2026-03-01T10:00:00Z' })
    await writeFile(join(folder, 'views.ndjson'), [who, other].map((one) => `${JSON.stringify(event(`h-${one[0]}`, one))}\n`).join(''))
    const views = events('views', {
      columns,
      time: 'at',
      id: 'view_id',
      lateness: '1h',
      history: ndjson(join(folder, 'views.ndjson')),
      stream: topic('views', { key: ['page'] }),
    })
    const orders = events('orders', {
      columns: { customer_id: t.string(), at: t.timestamp() },
      time: 'at',
      history: ndjson(join(folder, 'orders.ndjson')),
    })
    await writeFile(join(folder, 'orders.ndjson'), `${JSON.stringify({ customer_id: other, at: '2026-03-01T10:00:00Z' })}\n`)
    const pages = featureGroup({
      name: 'page_views',
      entity: entity('page', { page: t.string() }),
      source: views,
      features: () => ({ page_view_count_1d: count().over('1d') }),
    })
    const own = featureGroup({
      name: 'customer_orders',
      entity: customer,
      source: orders,
      features: () => ({ customer_order_count_1d: count().over('1d') }),
    })
    const definitions = [featureView({ name: 'shop', features: [own] }), pages]
    const log = segmentsEventLog({ path: join(folder, 'log') })
    await using store = await openStore({ definitions, folder: join(folder, 'store'), log, clock: () => new Date('2026-03-01T12:00:00Z') })
    const worker = await store.stream([pages])
    await worker.ready
    await store.push('views', [event('a', who), event('b', other)])
    await worker.caughtUp()
    await worker.flush()
    await log.append('views', [{ key: null, value: Buffer.from(`{"customer_id":"${who}"}`), partition: 0 }])
    await worker.caughtUp()

    const kept = await store.forget('customer', { customer_id: who })
    const told = ({ places }: typeof kept) =>
      places.map(({ place, name, before, after, known }) => [place, name, before, after, known].join(' ')).sort()
    assert.deepEqual(told(kept), [
      'derived page_views@1   true',
      'landed views 1 1 false',
      'log views 2 2 false',
      'log views.dead 1 1 false',
      'source views 1 1 false',
    ])
    assert.equal(kept.complete, false)
    for (const { place, note } of kept.places) if (place !== 'derived') assert.match(note, /^Not erased: .*customer_id.*--erase-unknown/)

    const all = await store.forget('customer', { customer_id: who }, { eraseUnknown: true, rewriteSources: true })
    assert.deepEqual(
      all.places.filter(({ after }) => after !== 0).map(({ place }) => place),
      ['derived'],
    )
    assert.deepEqual(await tracesIn(folder, who), [])
    const others = (await tracesIn(folder, other)).filter((path) => !path.startsWith('orders'))
    const parts = others.map((path) => path.replace(/^store.(\w+).*/, '$1').replace(/^log.*/, 'log'))
    assert.deepEqual([...new Set(parts)].sort(), ['landed', 'log', 'views.ndjson'])
    await store.push('views', [event('c', other)])
    await worker.caughtUp()
    await worker.flush()
    assert.deepEqual(await tracesIn(folder, who), [], 'the worker brings nothing back')
    await worker.close()
    await log.close()
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
