import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lockstep, smallProject } from '../../../test/support/command-line.ts'

const asOf = ['--as-of', '2026-03-01T11:20:00Z']

test('shows the events that count and those beside them', async () => {
  using project = smallProject()
  const { code, stdout, stderr } = await lockstep(
    project.path,
    'explain',
    'visit.user_click_count_1h',
    'user_id=1',
    ...asOf,
    '--limit',
    '2',
  )
  assert.deepEqual([code, stderr], [0, ''])
  assert.equal(
    stdout,
    `user_click_count_1h = 2

of          user_id=1
as of       2026-03-01T11:20:00Z
status      PRESENT
type        integer
definition  count() over 1h
group       user_clicks version 1 of clicks
event time  2026-03-01T11:15:00Z

count() over 1h = 2
2 events from 2026-03-01T10:20:00Z up to 2026-03-01T11:20:00Z (1h before its end)
         time                  click_id  reason
later    2026-03-02T09:00:00Z  e         21h40m after the as-of moment: not yet visible
counts   2026-03-01T11:15:00Z  d
counts   2026-03-01T10:30:00Z  b
earlier  2026-03-01T10:00:00Z  a         20m before the window
`,
  )
})

test('rows of a table, the tick of a schedule, and what an on-demand feature was computed from', async () => {
  using project = smallProject()
  const explain = async (...given: string[]) => (await lockstep(project.path, 'explain', ...given, ...asOf)).stdout
  const [table, scheduled, onDemand] = await Promise.all([
    explain('visit.user_plan', 'user_id=1'),
    explain('visit.user_last_page_daily', 'user_id=1'),
    explain('offer@3.budget_per_click', 'user_id=1', '--request', 'budget=3'),
  ])
  assert.match(table, /^user_plan = free\n/)
  assert.match(table, /\nnewer +2026-03-01T12:00:00Z +paid +\S.*\ncounts +2026-01-01T00:00:00Z +free +the newest row/)
  assert.match(scheduled, /^user_last_page_daily = null\n[\s\S]*\nvalue +of 2026-03-01T00:00:00Z: the last tick of every 1d\n/)
  assert.match(onDemand, /^budget_per_click = 1\.5\n[\s\S]*\nrequest +budget=3\n\nCOMPUTED FROM\n {2}user_click_count_1h = 2\n/)
})

test('the whole explanation as JSON, and what is wrong', async () => {
  using project = smallProject()
  const explain = (...given: string[]) => lockstep(project.path, 'explain', ...given)
  const [json, feature, name, key] = await Promise.all([
    explain('visit.user_price_sum_lifetime', 'user_id=1', ...asOf, '--json'),
    explain('visit.user_click_count_2h', 'user_id=1'),
    explain('user_click_count_1h', 'user_id=1'),
    explain('visit.user_plan', 'user_id=1', 'page=home'),
  ])
  const { value, aggregates } = JSON.parse(json?.stdout ?? '')
  assert.deepEqual([value, aggregates[0].inside.count, aggregates[0].outside.after.count], ['12.75', 2, 1])
  assert.match(feature?.stderr ?? '', /has no feature user_click_count_2h; did you mean user_click_count_1h\?/)
  assert.deepEqual([feature?.code, name?.code, key?.code], [1, 64, 1])
  assert.match(name?.stderr ?? '', /names no feature of a view\nRemedy: Write VIEW\.FEATURE/)
  assert.match(key?.stderr ?? '', /has no key page/)
})
