import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { average, count, entity, events, featureGroup, featureView, last, openStore, parquet, sum, t, topK } from 'lockstep'
import { materializeGroup } from '../src/materialize/index.ts'
import { Duck, quoteLiteral } from '../src/offline/index.ts'
import { memoryOnlineStore } from '../src/online/drivers/memory.ts'
import type { Progress } from '../src/pointintime/index.ts'

/** Of these events, as columns in memory, a limit of 512 MiB leaves room for a part at a time. */
const rows = 200_000
const limited = { memoryLimit: 512 * 2 ** 20 }

const folder = await mkdtemp(join(tmpdir(), 'lockstep-memory-limit-'))
after(() => rm(folder, { recursive: true }))

const visitsFile = join(folder, 'visits.parquet')
const labelsFile = join(folder, 'labels.parquet')
{
  await using duck = await Duck.open({ threads: 2 })
  const random = (seed: number, below: number) => `(hash(i * 31 + ${seed}) % ${below})`
  const at = (seed: number) => `TIMESTAMP '2026-01-01' + to_seconds(${random(seed, 30 * 86_400)}::BIGINT)`
  await duck.run(
    `COPY (SELECT i AS visit_id, ${random(1, 4_000)}::INTEGER AS user_id, 'category ' || ${random(2, 50)} AS category, 'https://example.com/page/' || ${random(3, 100_000)} AS page, 'campaign ' || ${random(4, 1_000)} || ' of the month' AS campaign, (${random(5, 10_000)} / 100.0)::DECIMAL(9, 2) AS spent, ${at(6)} AS "at" FROM range(${rows}) rows(i)) TO ${quoteLiteral(visitsFile)} (FORMAT parquet);
     COPY (SELECT i AS label_id, ${random(7, 4_500)}::INTEGER AS user_id, ${at(8)} AS "at" FROM range(10_000) rows(i)) TO ${quoteLiteral(labelsFile)} (FORMAT parquet)`,
  )
}

const visits = events('visits', {
  columns: {
    visit_id: t.integer(),
    user_id: t.integer(),
    category: t.string(),
    page: t.string(),
    campaign: t.string(),
    spent: t.decimal(9, 2),
    at: t.timestamp(),
  },
  time: 'at',
  id: 'visit_id',
  history: parquet(visitsFile),
})
const userVisits = featureGroup({
  name: 'user_visits',
  entity: entity('user', { user_id: t.integer() }),
  source: visits,
  features: (row) => ({
    visits_7d: count().over('7d'),
    spent_lifetime: sum(row.spent),
    spent_average_7d: average(row.spent).over('7d'),
    last_page: last(row.page),
    last_campaign: last(row.campaign),
    top_categories_7d: topK(row.category, 2).over('7d'),
  }),
})
const visiting = featureView({ name: 'visiting', features: [userVisits] })
const definitions = [userVisits, visiting]

/** Counts how often a stage begins, which it does once for each partition. */
function stagesOf(name: string): { readonly progress: (told: Progress) => void; begun: number } {
  const stages = {
    begun: 0,
    progress: ({ stage, rows: done }: Progress) => {
      if (stage === name && done === 0) stages.begun++
    },
  }
  return stages
}

describe('work within a memory limit that its data would pass goes through in parts, and gives the same bytes', () => {
  it('a training set, in this process and in workers', async () => {
    const build = async (name: string, options: { readonly memoryLimit?: number; readonly workers?: number }) => {
      const stages = stagesOf('computing user_visits')
      await using store = await openStore({ definitions, online: 'memory' })
      await using set = await store.trainingSet(visiting, labelsFile, { ...options, progress: stages.progress })
      const path = join(folder, `${name}.parquet`)
      await set.write(path)
      return { bytes: await readFile(path), partitions: stages.begun }
    }
    const whole = await build('whole', {})
    const parts = await build('parts', limited)
    const workers = await build('workers', { memoryLimit: 768 * 2 ** 20, workers: 2 })
    assert.equal(whole.partitions, 1)
    assert.ok(parts.partitions > 1, `${parts.partitions} partitions`)
    assert.ok(parts.bytes.equals(whole.bytes))
    assert.equal(workers.partitions, 0, 'none is computed in this process')
    assert.ok(workers.bytes.equals(whole.bytes))
  })

  it('a backfill', async () => {
    const write = async (name: string, options: { readonly memoryLimit?: number }) => {
      const stages = stagesOf('computing user_visits')
      await using store = await openStore({ definitions, online: 'memory', folder: join(folder, name) })
      const range = { from: '2026-01-10T00:00:00Z', to: '2026-01-12T00:00:00Z', every: '1d' } as const
      await store.backfill(userVisits, { ...options, ...range, progress: stages.progress })
      const files = (await readdir(join(folder, name), { recursive: true })).filter((file) => file.endsWith('.parquet')).sort()
      return {
        files: await Promise.all(files.map(async (file) => [file, await readFile(join(folder, name, file))])),
        partitions: stages.begun,
      }
    }
    const whole = await write('whole', {})
    const parts = await write('parts', limited)
    assert.equal(whole.partitions, 1)
    assert.ok(parts.partitions > 1, `${parts.partitions} partitions`)
    assert.equal(whole.files.length, 2)
    assert.deepEqual(parts.files, whole.files)
  })

  it('materializing', async () => {
    const write = async (options: { readonly memoryLimit?: number }) => {
      const online = memoryOnlineStore()
      await materializeGroup(userVisits, online, { ...options, upto: Date.UTC(2026, 0, 31) * 1000 })
      const stored = new Map<string, string>()
      for (const table of await online.tables())
        for await (const { key, value } of online.scan(table))
          stored.set(`${table} ${Buffer.from(key).toString('hex')}`, Buffer.from(value).toString('hex'))
      return new Map([...stored].sort())
    }
    const whole = await write({})
    const little = await write({ memoryLimit: 128 * 2 ** 20 })
    assert.equal(whole.size, 4_000)
    assert.deepEqual(little, whole)
  })
})
