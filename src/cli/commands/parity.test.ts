import assert from 'node:assert/strict'
import { once } from 'node:events'
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { lockstep, smallProject, startLockstep } from '../../../test/support/command-line.ts'

const small = ['--sample', '20', '--engine-rows', '0', '--oracle-rows', '5000']

test('compares the paths, tells how many values are equal, and ends well', async () => {
  using project = smallProject()
  const { code, stdout, stderr } = await lockstep(project.path, 'parity', 'visit', ...small)
  assert.deepEqual([code, stderr], [0, ''], stdout)
  assert.match(stdout, /^Parity of visit version 1, seed 1\n/)
  assert.match(stdout, /\nuser_clicks +clicks +2 +5 +[\d,]+\n/)
  assert.match(stdout, /\npath +compared +equal +late +different +late events +restarts +time\noracle +\d/)
  assert.match(stdout, /\nonline store, as materialized +\d/)
  assert.match(stdout, /\nstream, with duplicates and restarts +\d/)
  assert.match(stdout, /\nwhole vectors, as materialized +\d/)
  assert.match(stdout, /\n[\d,]+ values compared: (all equal|[\d,]+ equal, [\d,]+ for late events), in \d[^\n]*\n$/)

  const json = JSON.parse((await lockstep(project.path, 'parity', 'visit', ...small, '--seed', '2', '--json')).stdout)
  assert.deepEqual([json.seed, json.proven, json.total.different, json.differences], [2, true, 0, []])
  assert.equal(json.total.compared, json.total.equal + json.total.late)
})

test('other events, and another lateness', async () => {
  using project = smallProject({ 'other.csv': 'click_id,user_id,page,price,at\nz,5,home,1.00,2026-03-01T10:00:00Z\n' })
  const parity = (...given: string[]) => lockstep(project.path, 'parity', 'visit', ...small, '--json', ...given)
  for (const events of ['other.csv', 'clicks=other.csv']) {
    const { groups } = JSON.parse((await parity('--events', events, '--lateness', '2h')).stdout)
    assert.deepEqual([groups[0].name, groups[0].keys, groups[0].rows], ['user_clicks', 1, 1])
  }
  const wrong: [given: string[], code: number, message: RegExp][] = [
    [['--events', 'orders=other.csv'], 1, /There is no source orders/],
    [['--events', 'topic'], 1, /The source declares no stream/],
    [['--sample', 'many'], 64, /\\"many\\" is not a number/],
    [['--sample', '0'], 64, /sample is 0 and should be a whole number from 1/],
  ]
  for (const [given, code, message] of wrong) {
    const answer = await parity(...given)
    assert.equal(answer.code, code, answer.stderr)
    assert.match(answer.stderr, message)
  }
})

test('the events of a topic, as it holds them now', async () => {
  const definitions = `import { count, entity, events, featureGroup, featureView, t, topic } from 'lockstep'
const user = entity('user', { user_id: t.string() })
const taps = events('taps', {
  columns: { tap_id: t.string(), user_id: t.string(), at: t.timestamp() }, time: 'at', id: 'tap_id',
  stream: topic('taps', { key: 'user_id', partitions: 2 }),
})
export const userTaps = featureGroup({ name: 'user_taps', entity: user, source: taps, features: () => ({ user_tap_count_1h: count().over('1h') }) })
export const activity = featureView({ name: 'activity', features: [userTaps] })
`
  const tap = (place: number) => JSON.stringify({ tap_id: `t${place}`, user_id: `u${place % 3}`, at: `2026-03-01T10:${10 + place}:00Z` })
  using project = smallProject({
    'definitions.ts': definitions,
    'taps.ndjson': Array.from({ length: 30 }, (_, place) => tap(place)).join('\n'),
  })
  const early = await lockstep(project.path, 'parity', 'activity', ...small, '--events', 'topic')
  assert.deepEqual([early.code, early.stderr.split('\n')[0]], [1, 'Error:  There is no topic taps'])
  const pushed = await lockstep(project.path, 'push', 'taps', 'taps.ndjson')
  assert.equal(pushed.code, 0, pushed.stderr)
  const { code, stdout } = await lockstep(project.path, 'parity', 'activity', ...small, '--events', 'topic', '--json')
  assert.equal(code, 0)
  const { groups, proven } = JSON.parse(stdout)
  assert.deepEqual([proven, groups[0].keys, groups[0].rows], [true, 3, 30])
})

test('what a server served and logged', async () => {
  using project = smallProject()
  const made = await lockstep(project.path, 'materialize')
  assert.equal(made.code, 0, made.stderr)
  const { child, ended } = startLockstep(project.path, ['serve', '--port', '0', '--log-features', '1', '--log', 'error'])
  const [started] = await once(child.stdout as NodeJS.ReadableStream, 'data')
  const [url = ''] = /http:\S+/.exec(String(started)) ?? []
  const read = (view: string, body: object) =>
    fetch(`${url}/v1/views/${view}/vectors`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  for (const response of [
    await read('visit', { rows: [{ user_id: 1 }, { user_id: 2 }, { user_id: 9 }] }),
    await read('offer', { rows: [{ user_id: 1 }], request: { budget: 12.5 } }),
  ])
    assert.equal(response.status, 200, await response.text())
  child.kill('SIGTERM')
  await ended

  const served = join('.lockstep', 'served')
  const { code, stdout, stderr } = await lockstep(project.path, 'parity', 'visit', '--served', served)
  assert.deepEqual([code, stderr], [0, ''], stdout)
  assert.match(
    stdout,
    /^What was served of visit version 1: 1 read, 3 vectors, 20\S+Z to 20\S+Z\n\n15 values compared: all equal, in [^\n]+\n$/,
  )
  const offer = JSON.parse((await lockstep(project.path, 'parity', 'offer', '--served', served, '--json')).stdout)
  assert.deepEqual([offer.proven, offer.compared, offer.equal], [true, 2, 2])

  const path = join(project.path, 'data', 'clicks.csv')
  writeFileSync(path, `${readFileSync(path, 'utf8')}f,1,hats,5.00,2026-03-01T11:00:00Z\n`)
  const grown = await lockstep(project.path, 'parity', 'visit', '--served', served)
  assert.equal(grown.code, 1, 'nothing says when the event became known')
  assert.match(grown.stdout, /UNEXPLAINED: user_price_sum_lifetime\n[\s\S]*15 values compared: 13 equal, 2 unexplained/)
  assert.equal(globSync(join(project.path, served, '*', '*', '*.parquet')).length, 2)
})
