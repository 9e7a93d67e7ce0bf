import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { lockstep, smallProject } from '../../../test/support/command-line.ts'

test('lists everything by kind, and makes no store', async () => {
  using project = smallProject()
  const [all, features, json, wrong] = await Promise.all([
    lockstep(project.path, 'list'),
    lockstep(project.path, 'list', 'features'),
    lockstep(project.path, 'list', 'views', '--json'),
    lockstep(project.path, 'list', 'viws'),
  ])
  assert.deepEqual(all?.stdout.match(/^[A-Z-]+$/gm), ['VIEWS', 'GROUPS', 'ON-DEMAND', 'FEATURES', 'SOURCES', 'ENTITIES'])
  assert.match(all?.stdout ?? '', /\nuser_daily +2 {2}user +clicks +1 {2}every 1d\n/)
  assert.match(all?.stdout ?? '', /\nENTITIES\nname +keys +description\nuser +user_id integer +Somebody\n$/)
  assert.equal(
    features?.stdout,
    `name                     type                           group         version  definition
user_click_count_1h      integer                        user_clicks         1  count() over 1h
user_price_sum_lifetime  decimal(18, 2)                 user_clicks         1  sum(price)
user_top_pages_lifetime  list(string)                   user_clicks         1  topK(page, 2)
user_last_page_daily     string or null                 user_daily          2  last(page)
user_plan                oneOf('free', 'paid') or null  user_profile        1  plan
budget_per_click         float or null                  context             1  on demand
`,
  )
  assert.deepEqual(JSON.parse(json?.stdout ?? ''), [
    { name: 'offer', version: 3, keys: ['user_id'], request: ['budget'], features: 2, owner: '', description: '' },
    { name: 'visit', version: 1, keys: ['user_id'], request: [], features: 5, owner: 'growth', description: 'All of a visit' },
  ])
  assert.equal(wrong?.code, 2)
  assert.match(wrong?.stderr ?? '', /nothing like viws to list; did you mean views\?/)
  assert.equal(existsSync(join(project.path, '.lockstep')), false)
})
