import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { segmentsEventLog } from '../src/eventlog/drivers/segments.ts'
import { applyPlan, planChanges } from '../src/governance/index.ts'
import { count, csv, type Definition, entity, events, featureGroup, featureView, openStore, parquet, t, topic } from '../src/index.ts'
import { temporaryName } from '../src/lib/temporary-names.ts'
import { Duck } from '../src/offline/index.ts'
import { tracesIn } from './support/forgetting.ts'

const who = 'mallory-4711'
const user = entity('user', { user_id: t.string() })

function viewOn(name: string | null): Definition {
  const clicks = events('clicks', {
    columns: { click_id: t.string(), user_id: t.string(), at: t.timestamp() },
    time: 'at',
    id: 'click_id',
    lateness: '1h',
    ...(name === null ? {} : { stream: topic(name, { key: 'user_id' }) }),
  })
  const group = featureGroup({
    name: 'user_clicks',
    entity: user,
    source: clicks,
    features: () => ({ user_click_count_1d: count().over('1d') }),
  })
  return featureView({ name: 'ranking', features: [group] })
}

test('events of a subject are erased from topics that its sources had once', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lockstep-forget-'))
  try {
    const log = segmentsEventLog({ path: join(folder, 'log') })
    await using store = await openStore({ definitions: [viewOn('first')], folder: join(folder, 'store'), log })
    const applied = async (name: string | null) => {
      const definitions = [viewOn(name)]
      const { plan } = await planChanges({ registry: store.registry, environment: 'dev', definitions, checks: {}, sample: 0 })
      await applyPlan(plan, { registry: store.registry, environment: 'dev', definitions, checks: {}, by: 'ann', message: '' })
    }
    for (const name of ['first', null, 'second']) await applied(name)
    for (const name of ['first', 'second']) {
      await log.createTopic(name, 1)
      const event = { click_id: name, user_id: who, at: '2026-03-01T10:00:00Z' }
      await log.append(name, [{ key: null, value: Buffer.from(JSON.stringify(event)), partition: 0 }])
    }
    const { places } = await store.forget('user', { user_id: who })
    assert.deepEqual(places.map(({ place, name, before, after }) => [place, name, before, after]).sort(), [
      ['log', 'first', 1, 0],
      ['log', 'second', 1, 0],
    ])
    assert.deepEqual(await tracesIn(folder, who), [])
    await log.close()
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})

test('rows of a subject are found in the files of sources where the path says whose they are', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lockstep-forget-'))
  try {
    const path = (name: string) => join(folder, 'clicks', `user_id=${name}`)
    {
      await using duck = await Duck.open({ threads: 1 })
      for (const name of [who, 'trent-0815']) {
        await mkdir(path(name), { recursive: true })
        await duck.run(`COPY (SELECT TIMESTAMP '2026-03-01' AS at) TO '${path(name)}/a.parquet'`)
      }
    }
    const clicks = events('clicks', {
      columns: { user_id: t.string(), at: t.timestamp() },
      time: 'at',
      history: parquet(join(folder, 'clicks/*/*.parquet')),
    })
    const group = featureGroup({
      name: 'user_clicks',
      entity: user,
      source: clicks,
      features: () => ({ user_click_count_lifetime: count() }),
    })
    const view = featureView({ name: 'ranking', features: [group] })
    await using store = await openStore({ definitions: [view], folder: join(folder, 'store') })
    const looked = await store.forget('user', { user_id: who })
    assert.deepEqual([looked.complete, looked.places.map(({ files, after }) => [files, after])], [false, [[[`${path(who)}/a.parquet`], 1]]])
    assert.equal((await store.forget('user', { user_id: who }, { rewriteSources: true })).complete, true)
    await store.materialize([group])
    const counted = async (user_id: string) => (await store.vector(view, { user_id })).values.user_click_count_lifetime
    assert.deepEqual([await counted(who), await counted('trent-0815')], [0, 1])
    assert.deepEqual(await readdir(join(folder, 'clicks')), ['user_id=trent-0815'], 'the names of folders are gone too')
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})

test('events of a subject are erased from files that its sources had once', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lockstep-forget-'))
  try {
    const pathOf = (name: string) => join(folder, `${name}.csv`)
    const definitionsOf = (name: string): Definition[] => {
      const columns = { user_id: t.string(), at: t.timestamp() }
      const clicks = events('clicks', { columns, time: 'at', history: csv(pathOf(name)) })
      const features = () => ({ user_click_count_1d: count().over('1d') })
      return [featureView({ name: 'ranking', features: [featureGroup({ name: 'user_clicks', entity: user, source: clicks, features })] })]
    }
    const store = await openStore({ definitions: definitionsOf('second'), folder: join(folder, 'store') })
    for (const name of ['first', 'second']) {
      await writeFile(pathOf(name), `user_id,at\n${who},2026-03-01T10:00:00Z\ntrent-0815,2026-03-01T10:00:00Z\n`)
      const parts = { registry: store.registry, environment: 'dev', definitions: definitionsOf(name), checks: {} }
      const { plan } = await planChanges({ ...parts, sample: 0 })
      await applyPlan(plan, { ...parts, by: 'ann', message: '' })
    }
    const kept = await store.forget('user', { user_id: who })
    assert.deepEqual(
      kept.places.map(({ place, before, files }) => [place, before, [...files].sort()]),
      [['source', 2, [pathOf('first'), pathOf('second')]]],
    )
    assert.equal((await store.forget('user', { user_id: who }, { rewriteSources: true })).complete, true)
    assert.deepEqual(await tracesIn(folder, who), [])
    assert.match(await readFile(pathOf('first'), 'utf8'), /trent/)
    await store.close()
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})

test('what killed servers had begun to keep of a subject is erased', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lockstep-forget-'))
  try {
    const place = (...names: string[]) => join(folder, 'store', ...names)
    await mkdir(place('reads'), { recursive: true })
    await mkdir(place('served/ranking@1/date=2026-03-01'), { recursive: true })
    const whole = JSON.stringify({ view: 'ranking', rows: [{ keys: { user_id: who } }] })
    for (const [name, text] of Object.entries({
      'r1.json.partial': whole,
      'r2.json.partial': whole.slice(0, -5),
      'r3.json.partial': 'trent',
    })) {
      await writeFile(place('reads', name), text)
      await utimes(place('reads', name), 0, 0)
    }
    // Of a process that is over.
    const { pid } = spawnSync(process.execPath, ['--version'])
    const own = temporaryName('.partial-').replace(`-${process.pid}-`, `-${pid}-`)
    await writeFile(place('served/ranking@1/date=2026-03-01', own), who)
    await using store = await openStore({ definitions: [viewOn('first')], folder: place() })
    const { places } = await store.forget('user', { user_id: who })
    assert.deepEqual(
      places.map(({ place: kind, before, after }) => [kind, before, after]),
      [['kept reads', 2, 0]],
    )
    assert.deepEqual(await tracesIn(folder, who), [])
    assert.deepEqual(await readdir(place('reads')), ['r3.json.partial'])
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
