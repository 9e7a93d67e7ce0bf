import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
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
    { name: 'offer', version: 3, status: 'active', keys: ['user_id'], request: ['budget'], features: 2, owner: '', description: '' },
    {
      name: 'visit',
      version: 1,
      status: 'active',
      keys: ['user_id'],
      request: [],
      features: 5,
      owner: 'growth',
      description: 'All of a visit',
    },
  ])
  assert.equal(wrong?.code, 64)
  assert.match(wrong?.stderr ?? '', /nothing like viws to list; did you mean views\?/)
  assert.equal(existsSync(join(project.path, '.lockstep')), false)
})

test('lists, describes and finds by where things stand', async () => {
  using project = smallProject()
  const path = join(project.path, 'definitions.ts')
  const draft = (name: string) => [`name: '${name}', `, `name: '${name}', status: 'draft', `] as const
  const drafts = [draft('user_daily'), draft('visit')].reduce((text, [from, to]) => text.replace(from, to), readFileSync(path, 'utf8'))
  writeFileSync(path, drafts)
  const json = async (...given: string[]) => {
    const { code, stdout, stderr } = await lockstep(project.path, ...given, '--json')
    assert.equal(code, 0, stderr)
    return JSON.parse(stdout)
  }
  const names = (all: readonly { readonly name: string }[]) => all.map(({ name }) => name)
  assert.deepEqual(names(await json('list', 'features', '--status', 'draft')), ['user_last_page_daily'])
  assert.match((await lockstep(project.path, 'list', 'groups')).stdout, /\nuser_daily +2 {2}draft +user /)
  await json('apply', '--yes')
  await json('deprecate', 'user_clicks@1.user_price_sum_lifetime', '--reason', 'too coarse')
  assert.deepEqual(names(await json('list', 'features', '--status', 'deprecated')), ['user_price_sum_lifetime'])
  const [described] = await json('describe', 'user_price_sum_lifetime')
  assert.deepEqual([described.status, described.reason], ['deprecated', 'too coarse'])
  const found = async (...given: string[]) =>
    (await json('search', ...given)).map(({ id, status }: { id: string; status: string | null }) => `${id} ${status}`)
  assert.deepEqual(await found('price', '--kind', 'feature'), ['user_clicks@1.user_price_sum_lifetime deprecated'])
  assert.deepEqual(await found('daily', '--status', 'draft', '--kind', 'group'), ['user_daily@2 draft'])
  assert.deepEqual(await found('price', '--kind', 'column'), ['source:clicks.price null'])
  assert.deepEqual(await found('price', '--status', 'active', '--kind', 'column'), [])
})

test('search looks in what is applied and loads no file; until then it needs the files', async () => {
  using project = smallProject()
  const path = join(project.path, 'definitions.ts')
  const definitions = readFileSync(path, 'utf8')
  const search = (...given: string[]) => lockstep(project.path, 'search', ...given)
  const broken = "throw new Error('not to be loaded')"
  writeFileSync(path, broken)
  assert.match((await search('price')).stderr, /not to be loaded/)
  writeFileSync(path, definitions)
  assert.equal((await lockstep(project.path, 'apply', '--yes')).code, 0)
  writeFileSync(path, broken)
  const { code, stdout, stderr } = await search('price', '--kind', 'feature')
  assert.deepEqual([code, stderr], [0, ''])
  assert.match(stdout, /user_clicks@1\.user_price_sum_lifetime/)
  assert.match(
    (await search('nonsense')).stdout,
    /^Nothing that is applied in dev has any of these words; --files looks in the files instead\.\n$/,
  )
  assert.match((await search('price', '--files')).stderr, /not to be loaded/)
})

test('what was removed is listed with when, by whom and why, and named as that where it is asked for', async () => {
  using project = smallProject()
  const run = (...given: string[]) => lockstep(project.path, ...given)
  assert.equal((await run('apply', '--yes')).code, 0)
  assert.equal((await run('remove', 'view:offer@3', '--reason', 'unread', '--as', 'ann')).code, 0)
  const [listed, ...rest] = JSON.parse((await run('list', 'views', '--status', 'removed', '--json')).stdout)
  assert.deepEqual(
    [rest, { ...listed, since: '' }],
    [[], { name: 'offer', version: 3, status: 'removed', since: '', by: 'ann', reason: 'unread' }],
  )
  for (const commandLine of [
    ['get', 'offer@3', 'user_id=1'],
    ['remove', 'view:offer@3'],
  ]) {
    const { stderr } = await run(...commandLine)
    assert.match(
      stderr,
      /view:offer@3 was removed by ann on \d{4}-\d\d-\d\d \(unread\)[\s\S]*lockstep restore view:offer@3[\s\S]*NAME_RETIRED/,
    )
  }
})
