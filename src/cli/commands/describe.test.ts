import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lockstep, smallProject } from '../../../test/support/command-line.ts'

test('describes a thing of each kind', async () => {
  using project = smallProject()
  const names = ['offer', 'user_clicks', 'context', 'clicks', 'user', 'user_click_count_1h']
  const shown: string[] = []
  for (const name of names) {
    const { stdout } = await lockstep(project.path, 'describe', name)
    shown.push(stdout.replace(/(?<=^hash +)[0-9a-f]{32}$/gm, '…'))
  }
  const [view, group, onDemand, source, entity, feature] = shown
  assert.equal(
    view,
    `offer  view
version  3
status   active
hash     …

KEYS
name     type
user_id  integer

REQUEST
name    type
budget  float

FEATURES
name                 type           group          definition
user_click_count_1h  integer        user_clicks@1  count() over 1h
budget_per_click     float or null  context@1      on demand
`,
  )
  assert.match(
    group ?? '',
    /^user_clicks {2}group\nversion +1\nstatus +active\ndescription +What a user looks at\nowner +growth\ntags +web\nentity +user\n/,
  )
  assert.match(group ?? '', /\nviews +offer@3, visit@1\n/)
  assert.match(group ?? '', /\nuser_click_count_1h +integer +count\(\) over 1h +Clicks of the last hour\n/)
  assert.match(onDemand ?? '', /\nREADS\nname +type +group +definition\nuser_click_count_1h +integer +user_clicks@1 +count\(\) over 1h\n/)
  assert.match(
    source ?? '',
    /^clicks {2}events\n[\s\S]*\nlateness +1h\ninvalid rows +set aside\nhistory +csv data\/clicks\.csv\ngroups +user_clicks@1, user_daily@2\n/,
  )
  assert.match(source ?? '', /\nprice +decimal\(8, 2\) or null\n/)
  assert.match(entity ?? '', /^user {2}entity\ndescription +Somebody\ngroups +user_clicks@1, user_daily@2, user_profile@1\n/)
  assert.match(feature ?? '', /^user_click_count_1h {2}feature\n[\s\S]*\ndefinition +count\(\) over 1h\ngroup +user_clicks@1\n/)
})

test('as JSON; by version; what is not there', async () => {
  using project = smallProject()
  const describe = (...given: string[]) => lockstep(project.path, 'describe', ...given)
  const [json, version, unknown] = await Promise.all([describe('user_plan', '--json'), describe('visit@2'), describe('user_plam')])
  const [{ kind, type, hash, ...rest }] = JSON.parse(json?.stdout ?? '')
  assert.deepEqual([kind, rest.source, rest.views, hash.length], ['feature', 'profiles', ['visit@1'], 32])
  assert.match(type, /^oneOf\('free', 'paid'\)/)
  assert.match(version?.stderr ?? '', /Nothing is called visit version 2/)
  assert.match(unknown?.stderr ?? '', /Nothing is called user_plam; did you mean user_plan\?/)
  assert.equal(unknown?.code, 1)
})

test('of a source, where its events come from', async () => {
  using project = smallProject({
    'definitions.ts': `import { count, entity, events, featureGroup, t, topic } from 'lockstep'
const visits = events('visits', {
  columns: { shop: t.string(), user_id: t.integer(), at: t.timestamp() },
  time: 'at', stream: topic('web.visits', { key: ['user_id', 'shop'], partitions: 3 }),
})
export const shop = featureGroup({
  name: 'shop_visits', entity: entity('shop', { shop: t.string() }), source: visits, features: () => ({ shop_visit_count_1h: count().over('1h') }),
})`,
  })
  const [described, listed] = await Promise.all([lockstep(project.path, 'describe', 'visits'), lockstep(project.path, 'list', 'sources')])
  assert.match(described.stdout, /\nstream +topic web\.visits by user_id, shop, JSON, 3 partitions\n/)
  assert.doesNotMatch(described.stdout, /\nhistory /)
  assert.equal(
    listed.stdout,
    `name    kind    columns  time  stream
visits  events        3  at    web.visits
`,
  )
})

test('of what is deprecated, when it answers no more; JSON has names without blanks', async () => {
  using project = smallProject()
  const run = (...given: string[]) => lockstep(project.path, ...given)
  assert.equal((await run('apply', '--yes')).code, 0)
  const brownOut = ['--brown-out', '2027-03-01T10:00:00Z/1h']
  const said = await run('deprecate', 'user_profile@1.user_plan', '--reason', 'coarse', '--remove-after', '2027-06-01', ...brownOut)
  assert.equal(said.code, 0, said.stderr)
  const { stdout } = await run('describe', 'user_plan')
  assert.match(stdout, /\nremove after +2027-06-01/)
  assert.match(stdout, /\nBROWN OUTS\nfrom +to\n2027-03-01T10:00:00\S* +2027-03-01T11:00:00/)
  const [{ brownOuts, ...rest }] = JSON.parse((await run('describe', 'user_plan', '--json')).stdout)
  assert.equal(brownOuts.length, 1)
  assert.deepEqual(
    Object.keys(rest).filter((key) => key.includes(' ')),
    [],
  )
})
