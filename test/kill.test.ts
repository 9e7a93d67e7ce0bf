import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { watch } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Store, Vector } from 'lockstep'
import { context } from '../examples/shop/definitions/context.ts'
import { generateShop } from '../examples/shop/generate.ts'
import { Duck, quoteLiteral } from '../src/offline/index.ts'
import { seededRandom } from '../src/testing/seeded-random.ts'
import { backfilledGroup, end, openShopStore, type ShopWork, trainingSetName } from './support/shop-work.ts'

/** `KILL_SEED` repeats the moments of a run, as nearly as a machine does. */
const seed = Number(process.env.KILL_SEED ?? Date.now() % 1_000_000)
const kills = 10
/** Not in the temporary folder of the work, where nothing may be left. */
const compiled = process.env.NODE_COMPILE_CACHE ?? join(tmpdir(), 'node-compile-cache')

/** Tells whether what is in a folder is right: what a killed run has left, and what a complete one has. */
interface Examiner {
  partial(folder: string): Promise<void>
  complete(folder: string): Promise<void>
}

let root: string
const data = () => join(root, 'data')

before(async () => {
  root = await mkdtemp(join(tmpdir(), 'lockstep-kill-'))
  await generateShop({ path: data(), seed: 1, events: 30_000, labels: 4_000 })
})
after(() => rm(root, { recursive: true }))

describe(`work that is killed at ${kills} random moments (KILL_SEED=${seed})`, { concurrency: true }, () => {
  test('a backfill leaves whole intervals, and is completed', () => killed('backfill', examineBackfill))
  test('materializing leaves whole rows, and is completed', () => killed('materialize', examineOnlineStore))
  test('a training set is there or it is not, and is completed', () => killed('train', examineTrainingSet))
})

/** When a run is killed: so many milliseconds after its beginning, or as soon as so many changes are seen in its folder. */
type KillMoment = { readonly after: number } | { readonly changes: number }

/**
 * Kills the work, and then what takes it up again, before it may complete; until there were enough kills. The first of a round
 * comes at any moment of the whole work, the second at any of the moments at which something is written.
 */
async function killed(what: ShopWork['what'], examiner: (undisturbed: string) => Promise<Examiner>): Promise<void> {
  const random = seededRandom(seed)
  const temporary = join(root, `${what}-temporary`)
  const undisturbed = join(root, `${what}-undisturbed`)
  await mkdir(temporary)
  let { duration, changes } = await complete(what, undisturbed, temporary)
  const examine = await examiner(undisturbed)
  await examine.complete(undisturbed)
  for (let done = 0, round = 0; done < kills; round++) {
    assert.ok(round < 4 * kills, `${done} kills in ${round} rounds`)
    const folder = join(root, `${what}-${round}`)
    const moments: KillMoment[] = [{ after: random(duration) }, { changes: 1 + random(changes) }]
    try {
      for (const moment of moments) {
        if (await kill(what, folder, temporary, moment)) done++
        // It was over by then: the machine was busier at first.
        else if ('after' in moment) duration = moment.after
        else changes = Math.max(1, moment.changes - 1)
        await examine.partial(folder)
      }
      await complete(what, folder, temporary)
      await examine.complete(folder)
      assert.deepEqual(await readdir(temporary), [], 'temporary files of killed runs are cleared away by the next')
    } catch (cause) {
      throw new Error(`KILL_SEED=${seed}: round ${round} of ${what}, killed at ${JSON.stringify(moments)}`, { cause })
    }
    await rm(folder, { recursive: true })
  }
}

/** A process that has begun to work. */
async function start(what: ShopWork['what'], folder: string, temporary: string): Promise<ChildProcess> {
  await mkdir(folder, { recursive: true })
  const work: ShopWork = { what, data: data(), folder }
  const child = fork(join(import.meta.dirname, 'support/killed-work.ts'), [JSON.stringify(work)], {
    execArgv: ['--conditions=source'],
    env: { ...process.env, NODE_TEST_CONTEXT: undefined, TMPDIR: temporary, NODE_COMPILE_CACHE: compiled },
  })
  assert.equal(await told(child), 'ready')
  return child
}

/** What a process says, or the code that it ends with. */
async function told(child: ChildProcess): Promise<unknown> {
  const [message] = await Promise.race([once(child, 'message'), once(child, 'exit')])
  return message
}

/** The milliseconds that the work took from its beginning, and how many changes were seen in its folder. */
async function complete(what: ShopWork['what'], folder: string, temporary: string): Promise<{ duration: number; changes: number }> {
  const child = await start(what, folder, temporary)
  const started = performance.now()
  let changes = 0
  const watcher = watch(folder, { recursive: true }, () => changes++)
  const ended = once(child, 'exit')
  assert.equal(await told(child), 'done')
  const duration = Math.ceil(performance.now() - started)
  assert.deepEqual(await ended, [0, null])
  watcher.close()
  return { duration, changes }
}

/** Whether the work was killed before its end. */
async function kill(what: ShopWork['what'], folder: string, temporary: string, moment: KillMoment): Promise<boolean> {
  const child = await start(what, folder, temporary)
  const ended = once(child, 'exit')
  const stop = () => child.kill('SIGKILL')
  let left = 'changes' in moment ? moment.changes : Number.POSITIVE_INFINITY
  const watcher = watch(folder, { recursive: true }, () => --left === 0 && stop())
  const timer = 'after' in moment ? setTimeout(stop, moment.after) : null
  const done = (await told(child)) === 'done'
  await ended
  watcher.close()
  clearTimeout(timer ?? undefined)
  return !done
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries.flatMap((entry) => (entry.isFile() ? [join(entry.parentPath, entry.name).slice(folder.length + 1)] : [])).sort()
}

const storeOf = (what: ShopWork['what'], folder: string): Promise<Store> => openShopStore({ what, data: data(), folder })

async function examineBackfill(undisturbed: string): Promise<Examiner> {
  const intervals = async (folder: string) => {
    await using store = await storeOf('backfill', folder)
    const target = { group: backfilledGroup, version: 1 }
    assert.deepEqual(await store.offline.verify(target), [])
    const written = await store.offline.intervals(target)
    let rows = 0
    for await (const batch of store.offline.read(target)) rows += batch.count
    assert.equal(
      rows,
      written.reduce((sum, interval) => sum + interval.rows, 0),
      'what is visible can be read, and nothing else',
    )
    return written.map(({ from, to, contentHash, rows: count, nulls }) => ({ from, to, contentHash, rows: count, nulls }))
  }
  const expected = await intervals(undisturbed)
  const files = await filesIn(undisturbed)
  return {
    async partial(folder) {
      const found = await intervals(folder)
      assert.deepEqual(found, expected.slice(0, found.length))
    },
    async complete(folder) {
      assert.equal(expected.length, 6)
      assert.deepEqual(await intervals(folder), expected)
      assert.deepEqual(await filesIn(folder), files, 'nothing is left over')
    },
  }
}

async function examineOnlineStore(undisturbed: string): Promise<Examiner> {
  await using duck = await Duck.open({ temporaryFolder: root })
  const keys = await duck.rows(`
    SELECT DISTINCT ON (user_id) user_id, item_id FROM read_parquet(${quoteLiteral(join(data(), 'labels.parquet'))}) ORDER BY user_id`)
  const read = async (folder: string) => {
    await using store = await storeOf('materialize', folder)
    const vectors = (await store.vectors(store.view('ranking'), keys, { asOf: end, request: { latitude: 50, longitude: 8 } })) as Vector[]
    return vectors.map(({ values, features }) => Object.entries(features).map(([name, state]) => ({ name, value: values[name], ...state })))
  }
  const expected = await read(undisturbed)
  const computed = new Set(Object.keys(context.features))
  return {
    async partial(folder) {
      const found = await read(folder)
      // What is not there yet is not found; all else is as in the end.
      const visible = found.map((values) => values.filter(({ name, status }) => status !== 'NOT_FOUND' && !computed.has(name)))
      const places = visible.map((values) => new Set(values.map(({ name }) => name)))
      assert.deepEqual(
        visible,
        expected.map((values, row) => values.filter(({ name }) => places[row]?.has(name))),
      )
    },
    async complete(folder) {
      assert.ok(expected.length > 400)
      assert.deepEqual(await read(folder), expected)
    },
  }
}

async function examineTrainingSet(undisturbed: string): Promise<Examiner> {
  const manifestName = `${trainingSetName}.manifest.json`
  const hash = async (folder: string) =>
    createHash('sha256')
      .update(await readFile(join(folder, trainingSetName)))
      .digest('hex')
  const expected = await hash(undisturbed)
  return {
    async partial(folder) {
      const visible = (await readdir(folder)).filter((name) => name !== 'store' && !name.startsWith('.'))
      if (!visible.includes(trainingSetName)) return
      assert.equal(await hash(folder), expected)
      assert.equal(JSON.parse(await readFile(join(folder, manifestName), 'utf8')).rows, 4_000)
    },
    async complete(folder) {
      assert.equal(await hash(folder), expected)
      assert.deepEqual(await filesIn(folder), [trainingSetName, manifestName, 'store/registry.sqlite'], 'nothing is left over')
    },
  }
}
