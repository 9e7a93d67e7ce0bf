import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lockstep, smallProject } from '../../../test/support/command-line.ts'

test('what is materialized is read from the online store, what lies before it from history', async () => {
  using project = smallProject()
  const get = (...given: string[]) => lockstep(project.path, 'get', 'visit', ...given)

  const empty = await get('user_id=1', '--as-of', '2026-03-01T11:20:00Z')
  assert.equal(empty.code, 0, empty.stderr)
  assert.match(empty.stdout, /\nuser_click_count_1h +0 +NOT_FOUND\n/)
  assert.equal(
    empty.stderr,
    'Warning: Never materialized: user_clicks user_daily user_profile. Their NOT_FOUND says nothing of the key; run lockstep materialize user_clicks user_daily user_profile.\n',
  )

  const materialized = await lockstep(project.path, 'materialize', '--as-of', '2026-03-01T11:30:00Z', '--memory', '256MiB')
  assert.equal(materialized.code, 0, materialized.stderr)
  assert.match(materialized.stdout, /^group +version +keys +written +kept, newer +size +time\nuser_clicks +1 +2 +2 +0 +\d+ B +\d/)
  assert.match(materialized.stdout, /\nuser_daily +2 +2 +2 +0 /)

  const online = await get('user_id=1', '--as-of', '2026-03-01T11:20:00Z')
  assert.deepEqual([online.code, online.stderr], [0, ''])
  assert.equal(
    online.stdout,
    `visit version 1 of user_id=1 as of 2026-03-01T11:20:00Z

feature                  value             status     event time
user_click_count_1h      2                 PRESENT    2026-03-01T11:15:00Z
user_price_sum_lifetime  12.75             PRESENT    2026-03-01T11:15:00Z
user_top_pages_lifetime  ["shoes","home"]  PRESENT    2026-03-01T11:15:00Z
user_last_page_daily     null              NOT_FOUND
user_plan                free              PRESENT    2026-01-01T00:00:00Z
`,
  )

  const json = JSON.parse((await get('user_id=7', '--as-of', '2026-03-01T11:20:00Z', '--json')).stdout)
  assert.deepEqual([json.source, json.keys, json.unmaterialized], ['online', { user_id: 7 }, []])
  assert.deepEqual(json.features.user_plan, { status: 'NOT_FOUND', eventTime: null })

  const earlier = await get('user_id=1', '--as-of', '2026-03-01T10:20:00+00:00', '--json')
  assert.match(earlier.stderr, /^Note: .*was asked as of 2026-03-01T10:20:00Z; read from history instead\.\n$/)
  const { source, asOf, values, features } = JSON.parse(earlier.stdout)
  assert.deepEqual([source, asOf, features], ['history', '2026-03-01T10:20:00Z', undefined])
  assert.deepEqual(values, {
    user_click_count_1h: 1,
    user_price_sum_lifetime: '0.00',
    user_top_pages_lifetime: ['home'],
    user_last_page_daily: null,
    user_plan: 'free',
  })
  assert.match(
    (await get('user_id=1', '--as-of', '2026-03-01T10:20:00Z', '--quiet')).stdout,
    /10:20:00Z, from history\n\nfeature +value\nuser_/,
  )
})

test('values of a request, and what is wrong with keys and values', async () => {
  using project = smallProject()
  assert.equal((await lockstep(project.path, 'materialize', 'user_clicks', '--as-of', '2026-03-01T11:20:00Z', '--quiet')).code, 0)
  const offer = (...given: string[]) => lockstep(project.path, 'get', 'offer', ...given, '--as-of', '2026-03-01T11:20:00Z')
  const { values } = JSON.parse((await offer('user_id=1', '--request', 'budget=7.5', '--json')).stdout)
  assert.deepEqual(values, { user_click_count_1h: 2, budget_per_click: 3.75 })

  const wrong: [given: string[], code: number, message: RegExp][] = [
    [['user_id=1'], 1, /needs the request value budget\nRemedy: Add --request budget=VALUE\.\nCode: {3}INVALID_VALUE/],
    [['user_id=1', '--request', 'budget=much'], 1, /"much" is not a number\nWhere: {2}request value budget/],
    [['user_id=1', '--request', 'bugdet=1'], 1, /has no request value bugdet; did you mean budget\?/],
    [['user_id=one', '--request', 'budget=1'], 1, /"one" is not a whole number\nWhere: {2}key user_id/],
    [['usr_id=1', '--request', 'budget=1'], 1, /The view offer has no key usr_id; did you mean user_id\?/],
    [['--request', 'budget=1'], 1, /The view offer needs the key user_id\nRemedy: Add user_id=VALUE\.\nCode: {3}MISSING_KEY/],
    [[], 1, /needs the key user_id and the request value budget\nRemedy: Add user_id=VALUE --request budget=VALUE\./],
    [['user_id', '--request', 'budget=1'], 64, /"user_id" is not NAME=VALUE/],
    [['user_id=1', 'user_id=2', '--request', 'budget=1'], 64, /user_id is given twice/],
  ]
  for (const [given, code, message] of wrong) {
    const answer = await offer(...given)
    assert.deepEqual([answer.code, answer.stdout], [code, ''], given.join(' '))
    assert.match(answer.stderr, message)
  }
})

test('who reads or trains with what is deprecated is warned, and a read counts as use where the process names itself', async () => {
  using project = smallProject()
  const run = (...given: string[]) => lockstep(project.path, ...given)
  for (const given of [
    ['apply', '--yes'],
    ['materialize', '--as-of', '2026-03-01T11:30:00Z'],
    ['deprecate', 'user_clicks@1.user_price_sum_lifetime', '--reason', 'too coarse'],
  ])
    assert.equal((await run(...given)).code, 0)
  const warned = /^Warning: user_clicks@1\.user_price_sum_lifetime is deprecated \(too coarse\)\.\n$/
  await run('get', 'visit', 'user_id=1', '--as-of', '2026-03-01T11:31:00Z')
  process.env.LOCKSTEP_CALLER = 'grace'
  const read = await run('get', 'visit', 'user_id=1', '--as-of', '2026-03-01T11:31:00Z', '--json')
  delete process.env.LOCKSTEP_CALLER
  assert.match(read.stderr, warned)
  const [deprecated, ...others] = JSON.parse(read.stdout).deprecated
  assert.deepEqual(others, [])
  assert.deepEqual(
    [deprecated.feature, deprecated.id, deprecated.reason, deprecated.replacement, deprecated.remove_after],
    ['user_price_sum_lifetime', 'user_clicks@1.user_price_sum_lifetime', 'too coarse', null, null],
  )
  const trained = await run('train', 'visit', '--labels', 'labels.csv', '--out', 'visit.csv', '--json')
  assert.match(trained.stderr, warned)
  assert.deepEqual(JSON.parse(trained.stdout).deprecated, [deprecated])
  const other = await run('get', 'offer', 'user_id=1', '--request', 'budget=1', '--as-of', '2026-03-01T11:31:00Z', '--json')
  assert.deepEqual([other.stderr, JSON.parse(other.stdout).deprecated], ['', undefined])

  const usage = JSON.parse((await run('usage', 'visit', '--json')).stdout)
  assert.deepEqual(
    usage.map(({ caller, requests, vectors }: Record<string, unknown>) => [caller, requests, vectors]),
    Array.from({ length: 5 }, () => ['grace', 1, 1]),
  )
})
