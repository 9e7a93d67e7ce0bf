import assert from 'node:assert/strict'
import { test } from 'node:test'
import { servedRead } from '../../test/support/served-read.ts'
import { featureStatuses } from '../serving/index.ts'
import { ServerMetrics } from './metrics.ts'

/** The number behind a name with labels, as it stands in the text. */
function numberOf(text: string, name: string): number | undefined {
  const line = text.split('\n').find((each) => each.startsWith(`${name} `))
  return line === undefined ? undefined : Number(line.slice(name.length + 1))
}

/** Tells of a read as a server does. */
function read(metrics: ServerMetrics, given: Parameters<typeof servedRead>[0]): void {
  const record = servedRead(given)
  const statuses = record.keys.flatMap((_, row) => record.features.map((_, feature) => record.status(row, feature)))
  metrics.read(
    record,
    Uint8Array.from(statuses, (status) => featureStatuses.indexOf(status)),
  )
}

test('requests, their latency, and those that were refused', async () => {
  const metrics = await ServerMetrics.open()
  const route = '/v1/views/{view}/vectors'
  for (const seconds of [0.0004, 0.003, 0.2]) metrics.requested({ route, view: 'ranking', code: 200, seconds })
  metrics.requested({ route, view: 'ranking', code: 404, seconds: 1 })
  metrics.requested({ route, view: 'other_view', code: 200, seconds: 1 })
  metrics.requested({ route: '/health', code: 200, seconds: 0.001 })
  metrics.rejected('token')
  metrics.rejected('token')
  metrics.stored({ store: 'lmdb', operation: 'read', seconds: 0.00002 })
  metrics.onDemand({ view: 'ranking', seconds: 0.5 })
  const text = await metrics.text()
  const labels = `route="${route}",view="ranking"`
  assert.equal(numberOf(text, `lockstep_requests_total{${labels},code="200"}`), 3)
  assert.equal(numberOf(text, `lockstep_requests_total{${labels},code="404"}`), 1)
  assert.equal(numberOf(text, `lockstep_request_seconds_bucket{le="0.0005",${labels}}`), 1)
  assert.equal(numberOf(text, `lockstep_request_seconds_bucket{le="+Inf",${labels}}`), 4)
  assert.equal(numberOf(text, 'lockstep_requests_total{route="/health",view="",code="200"}'), 1)
  assert.equal(numberOf(text, 'lockstep_rejected_requests_total{reason="token"}'), 2)
  assert.equal(numberOf(text, 'lockstep_store_seconds_count{store="lmdb",operation="read"}'), 1)
  assert.equal(numberOf(text, 'lockstep_on_demand_seconds_sum{view="ranking"}'), 0.5)
  assert.ok((numberOf(text, 'process_resident_memory_bytes') ?? 0) > 1e6)
  assert.match(metrics.contentType, /^text\/plain; version=0\.0\.4/)
})

test('what values were worth, by feature; selections of features add up', async () => {
  const metrics = await ServerMetrics.open()
  const keys = [{ user_id: 'a' }, { user_id: 'b' }]
  for (let time = 0; time < 3; time++)
    read(metrics, { keys, cells: [1, 'x', 0, null], statuses: ['PRESENT', 'PRESENT', 'DEFAULTED', 'NULL'] })
  read(metrics, { features: ['user_last_page'], cells: [null], statuses: ['TIME_OUT'] })
  for (let scrape = 0; scrape < 2; scrape++) {
    const text = await metrics.text()
    const count = (feature: string, status: string) =>
      numberOf(text, `lockstep_feature_values_total{view="ranking",version="1",feature="${feature}",status="${status}"}`)
    assert.deepEqual([count('user_click_count_1h', 'PRESENT'), count('user_click_count_1h', 'DEFAULTED')], [3, 3])
    assert.deepEqual([count('user_last_page', 'PRESENT'), count('user_last_page', 'NULL'), count('user_last_page', 'TIME_OUT')], [3, 3, 1])
    assert.equal(count('user_last_page', 'STALE'), undefined)
    assert.equal(numberOf(text, 'lockstep_vectors_total{view="ranking",version="1"}'), 7)
  }
})

test('the state of groups is asked for with the metrics; what fails is left out', async () => {
  let dropped = 0
  const metrics = await ServerMetrics.open({
    freshness: async () => ({ user_clicks: 1.5 }),
    streamLag: () => Promise.reject(new Error('the log is down')),
    featureLogDropped: () => ++dropped * 10,
  })
  await metrics.text()
  const text = await metrics.text()
  assert.equal(numberOf(text, 'lockstep_group_freshness_seconds{group="user_clicks"}'), 1.5)
  assert.ok(!text.includes('lockstep_stream_lag_events{'))
  assert.equal(numberOf(text, 'lockstep_feature_log_dropped_total'), 20)
})

test('labels are bounded, whatever is sent', async () => {
  const metrics = await ServerMetrics.open()
  for (let place = 0; place < 3000; place++) metrics.requested({ route: '/', view: `v${place}`, code: 404, seconds: 0 })
  for (let place = 0; place < 3000; place++) read(metrics, { features: [`f${place}`], cells: [1] })
  const text = await metrics.text()
  assert.equal(text.split('\n').filter((line) => line.startsWith('lockstep_requests_total{')).length, 1001)
  assert.equal(text.split('\n').filter((line) => line.startsWith('lockstep_feature_values_total{')).length, 2000)
})
