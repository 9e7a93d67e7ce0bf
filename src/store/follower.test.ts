import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Definition, loadDefinitions, snapshotOf } from '../definition/index.ts'
import { Follower, type Following } from './follower.ts'
import { openStore } from './open-store.ts'
import type { Store } from './store.ts'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lockstep-follower-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const doors = ['../definition/index.ts', '../schema/index.ts'].map((file) => new URL(file, import.meta.url).href)

/** A view whose on-demand code multiplies. */
const text = (version: number, times: number, window = '30m') => `
  import { count, entity, events, featureGroup, featureView, onDemand, rows } from '${doors[0]}'
  import { t } from '${doors[1]}'
  const user = entity('user', { user_id: t.integer() })
  const clicks = events('clicks', { columns: { user_id: t.integer(), at: t.timestamp() }, time: 'at', history: rows([]) })
  export const group = featureGroup({
    name: 'activity', version: ${version}, entity: user, source: clicks, features: () => ({ click_count: count().over('${window}') }) })
  export const scaled = onDemand({
    name: 'scaled', version: ${version}, from: [group], features: { scaled_count: t.integer() },
    compute: ({ click_count }) => ({ scaled_count: (click_count + 1) * ${times} }) })
  export const view = featureView({ name: 'ranking', version: ${version}, features: [group, scaled] })`

async function apply(store: Store, definitions: readonly Definition[], current?: ReadonlyMap<string, number>): Promise<void> {
  const { applies } = store.registry
  const base = await applies.head('dev')
  const snapshot = new Map([...(base ? await applies.items(base) : []), ...snapshotOf(definitions)])
  await applies.append({ environment: 'dev', base, snapshot, kind: 'apply', by: 'test', message: '', ...(current ? { current } : {}) })
}

async function until(what: string, condition: () => boolean): Promise<void> {
  for (const end = Date.now() + 5000; !condition(); await sleep(5)) assert.ok(Date.now() < end, `${what} within 5 s`)
}

const scaledCount = async (store: Store, version?: number) =>
  ((await store.vector(store.view('ranking', version), { user_id: 1 } as never)).values as { scaled_count: number }).scaled_count

test('what is applied is adopted, side by side with what was; current versions are followed; code comes from modules that came later', async () => {
  const path = join(folder, 'definitions.ts')
  await writeFile(path, text(1, 2))
  const definitions = await loadDefinitions(path)
  await using store = await openStore({ definitions, folder, online: 'memory' })
  const warnings: string[] = []
  await using follower = await Follower.start(store, { path, every: 5, warn: ({ message }) => warnings.push(message) })
  assert.deepEqual(follower.following, { environment: 'dev', apply: null, adopted: null, waiting: null })

  await apply(store, definitions)
  await until('apply 1', () => follower.following.apply === 1)
  assert.equal(await scaledCount(store), 2)
  const first = store.view('ranking')

  // Another machine applies what this one's files do not have yet.
  const elsewhere = join(folder, 'elsewhere.ts')
  await writeFile(elsewhere, text(2, 3, '60m'))
  await apply(store, await loadDefinitions(elsewhere))
  await until('waiting', () => follower.following.waiting !== null)
  const { apply: served, waiting } = follower.following as Following
  assert.deepEqual([served, waiting?.apply], [1, 2])
  assert.match(waiting?.why ?? '', /code of on-demand view scaled@2 is not among/)
  assert.equal(warnings.length, 1)
  assert.equal(await scaledCount(store), 2)

  await writeFile(path, text(2, 3, '60m'))
  await apply(store, [], new Map([['ranking', 1]]))
  await apply(store, [], new Map([['ranking', 2]]))
  await until('apply 3', () => follower.following.apply === 3)
  assert.equal(follower.following.waiting, null)
  assert.deepEqual([await scaledCount(store), await scaledCount(store, 1), await scaledCount(store, 2)], [3, 2, 3])
  assert.notEqual(store.view('ranking', 2), store.view('ranking', 1))

  const [one, two] = [store.view('ranking', 1), store.view('ranking', 2)]
  await apply(store, [], new Map([['ranking', 1]]))
  await until('apply 4', () => follower.following.apply === 4)
  assert.equal(store.view('ranking'), one, 'what has not changed stays the same')
  assert.equal(store.view('ranking', 2), two)
  assert.equal(one, first)
})
