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

/** Events with long texts: of their columns a limit of 512 MiB has room for some at a time, and deals them out in passes. */
const rows = 100_000
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
    `COPY (SELECT i AS visit_id, ${random(1, 4_000)}::INTEGER AS user_id, 'category ' || ${random(2, 50)} AS category, 'https://example.com/page/' || repeat('of-many/', 150) || ${random(3, 1_000)} AS page, 'campaign ' || ${random(4, 1_000)} || ' of the month' AS campaign, (${random(5, 10_000)} / 100.0)::DECIMAL(9, 2) AS spent, ${at(6)} AS "at" FROM range(${rows}) rows(i)) TO ${quoteLiteral(visitsFile)} (FORMAT parquet, ROW_GROUP_SIZE 8192);
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
const user = entity('user', { user_id: t.integer() })
const userVisits = featureGroup({
  name: 'user_visits',
  entity: user,
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
const userSpending = featureGroup({
  name: 'user_spending',
  entity: user,
  source: visits,
  features: (row) => ({ spent_total: sum(row.spent), spent_7d: sum(row.spent).over('7d'), last_campaign_spent: last(row.campaign) }),
})
const visiting = featureView({ name: 'visiting', features: [userVisits] })
const definitions = [userVisits, visiting]

/** Counts how often each stage begins: dealing out once for each pass, computing once for each partition that this process computes. */
function countStages() {
  const begun = new Map<string, number>()
  return {
    progress: ({ stage, rows: done }: Progress) => {
      if (done === 0) begun.set(stage, (begun.get(stage) ?? 0) + 1)
    },
    counts: () => ({ passes: begun.get('dealing out visits') ?? 0, partitions: begun.get('computing user_visits') ?? 0 }),
  }
}

describe('work within a memory limit that its data would pass goes through in parts, and gives the same bytes', () => {
  it('a training set, in this process and in workers', async () => {
    const build = async (name: string, options: { readonly memoryLimit?: number; readonly workers?: number }) => {
      const stages = countStages()
      await using store = await openStore({ definitions, online: 'memory' })
      await using set = await store.trainingSet(visiting, labelsFile, { ...options, progress: stages.progress })
      const path = join(folder, `${name}.parquet`)
      await set.write(path)
      return { bytes: await readFile(path), ...stages.counts() }
    }
    const whole = await build('whole', {})
    const parts = await build('parts', limited)
    const workers = await build('workers', { memoryLimit: 768 * 2 ** 20, workers: 2 })
    assert.deepEqual([whole.passes, whole.partitions], [0, 1])
    assert.ok(parts.partitions > 1 && parts.passes > 1, `${parts.partitions} partitions, ${parts.passes} passes`)
    assert.ok(parts.bytes.equals(whole.bytes))
    assert.equal(workers.partitions, 0, 'none is computed in this process')
    assert.ok(workers.passes >= 1)
    assert.ok(workers.bytes.equals(whole.bytes))
  })

  it('a backfill', async () => {
    const write = async (name: string, options: { readonly memoryLimit?: number }) => {
      const stages = countStages()
      await using store = await openStore({ definitions, online: 'memory', folder: join(folder, name) })
      const range = { from: '2026-01-10T00:00:00Z', to: '2026-01-12T00:00:00Z', every: '1d' } as const
      await store.backfill(userVisits, { ...options, ...range, progress: stages.progress })
      const files = (await readdir(join(folder, name), { recursive: true })).filter((file) => file.endsWith('.parquet')).sort()
      return {
        files: await Promise.all(files.map(async (file) => [file, await readFile(join(folder, name, file))])),
        ...stages.counts(),
      }
    }
    const whole = await write('whole', {})
    const parts = await write('parts', limited)
    assert.deepEqual([whole.passes, whole.partitions], [0, 1])
    assert.ok(parts.partitions > 1 && parts.passes > 1, `${parts.partitions} partitions, ${parts.passes} passes`)
    assert.equal(whole.files.length, 2)
    assert.deepEqual(parts.files, whole.files)
  })

  it('materializing', async () => {
    const write = async (options: { readonly memoryLimit?: number }) => {
      const online = memoryOnlineStore()
      await materializeGroup(userSpending, online, { ...options, upto: Date.UTC(2026, 0, 31) * 1000 })
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
