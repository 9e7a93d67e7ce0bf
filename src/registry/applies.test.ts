import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { count, type Definition, entity, events, featureGroup, featureView, snapshotOf } from '../definition/index.ts'
import type { LockstepError } from '../errors.ts'
import { t } from '../schema/index.ts'
import { sqliteDocumentStore } from './drivers/sqlite.ts'
import { type Head, Registry } from './index.ts'

const folder = mkdtempSync(join(tmpdir(), 'lockstep-applies-'))
after(() => rmSync(folder, { recursive: true }))
const registries: Registry[] = []
after(() => Promise.all(registries.map((one) => one.close())))

let files = 0
function registry(path = join(folder, `${files++}.sqlite`)): Registry {
  const made = new Registry(sqliteDocumentStore({ path }))
  registries.push(made)
  return made
}

const user = entity('user', { user_id: t.string() })
const clicks = events('clicks', { columns: { user_id: t.string(), at: t.timestamp() }, time: 'at' })
function definitions(minutes: number, version: number, description = ''): Definition[] {
  const group = featureGroup({
    name: 'user_clicks',
    version,
    description,
    entity: user,
    source: clicks,
    features: () => ({ user_click_count: count().over(`${minutes}m`) }),
  })
  return [group, featureView({ name: 'ranking', version, features: [group] })]
}
const first = snapshotOf(definitions(30, 1))
const both = snapshotOf([...definitions(30, 1), ...definitions(60, 2)])
const by = { kind: 'apply', by: 'ada', message: '' } as const
const environment = 'dev'
const code = (expected: string) => (error: LockstepError) => error.code === expected

test('what is applied is read back as it was, as definitions with the same snapshot', async () => {
  const { applies } = registry()
  assert.equal(await applies.head(environment), null)
  const head = await applies.append({ ...by, environment, base: null, snapshot: first })
  assert.deepEqual(await applies.head(environment), head)
  assert.deepEqual(await applies.items(head), first)
  const applied = await applies.applied(environment, () => undefined)
  assert.deepEqual(snapshotOf(applied?.definitions ?? []), first)
  assert.deepEqual(await applies.environments(), [environment])
  assert.equal(await applies.head('prod'), null)
})

test('the first version of a view is current at once, a later one when it is switched to', async () => {
  const { applies } = registry()
  const one = await applies.append({ ...by, environment, base: null, snapshot: first })
  const two = await applies.append({ ...by, environment, base: one, snapshot: both })
  assert.equal(two.current.get('ranking'), 1)
  const three = await applies.append({ ...by, kind: 'switch', environment, base: two, current: new Map([['ranking', 2]]) })
  assert.equal(three.current.get('ranking'), 2)
  assert.deepEqual(three.items, two.items)
  const history = await applies.history(environment)
  assert.deepEqual(
    history.map(({ number, kind, changes, current }) => [number, kind, changes.map(({ id }) => id), current]),
    [
      [3, 'switch', [], [{ view: 'ranking', before: 1, after: 2 }]],
      [2, 'apply', ['group:user_clicks@2', 'view:ranking@2'], []],
      [1, 'apply', [...first.keys()], [{ view: 'ranking', before: null, after: 1 }]],
    ],
  )
  assert.deepEqual(await applies.history(environment, { before: 3, limit: 1 }), [history[1]])
})

test('of two applies on one head the second is refused, and changes nothing', async () => {
  const path = join(folder, 'shared.sqlite')
  const [here, there] = [registry(path).applies, registry(path).applies]
  const base = await here.append({ ...by, environment, base: null, snapshot: first })
  const won = await here.append({ ...by, environment, base, snapshot: both })
  await assert.rejects(
    there.append({ ...by, environment, base, snapshot: snapshotOf(definitions(30, 1, 'other')) }),
    code('REGISTRY_CONFLICT'),
  )
  await assert.rejects(there.append({ ...by, environment, base: null, snapshot: first }), code('REGISTRY_CONFLICT'))
  assert.deepEqual(await there.head(environment), won)
  assert.equal((await there.history(environment)).length, 2)
})

test('an apply of what is there already makes no apply', async () => {
  const { applies } = registry()
  const head = await applies.append({ ...by, environment, base: null, snapshot: first })
  assert.equal(await applies.append({ ...by, environment, base: head, snapshot: first }), head)
})

test('the state after each apply is found again from the head, over more applies than one page', async () => {
  const { applies } = registry()
  let head: Head | null = null
  const heads: Head[] = []
  for (let number = 1; number <= 405; number++) {
    const snapshot = number % 100 === 0 ? first : snapshotOf(definitions(30, 1, `description ${number}`))
    head = await applies.append({ ...by, environment, base: head, snapshot: number === 7 ? both : snapshot })
    heads.push(head)
  }
  for (const number of [1, 6, 7, 8, 100, 204, 205, 206, 404, 405]) {
    const { items, current } = heads[number - 1] as Head
    assert.deepEqual(await applies.stateAfter(head as Head, number), { items, current })
  }
  await assert.rejects(applies.stateAfter(head as Head, 0), code('INVALID_ARGUMENT'))
  await assert.rejects(applies.stateAfter(head as Head, 406), code('INVALID_ARGUMENT'))
  const { items } = await applies.stateAfter(head as Head, 7)
  assert.deepEqual(await applies.items({ items }), both)
})

test('a text that is not what its hash says is refused', async () => {
  const path = join(folder, 'broken.sqlite')
  const made = registry(path)
  const head = await made.applies.append({ ...by, environment, base: null, snapshot: first })
  const [[, item] = []] = first
  await made.documents.commit({ puts: [{ table: 'items', key: item?.hash ?? '', text: '{}' }] })
  await assert.rejects(registry(path).applies.items(head), code('STORE_CORRUPT'))
})
