import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  count,
  csv,
  entity,
  events,
  featureGroup,
  featureView,
  last,
  ndjson,
  openStore,
  parquet,
  type StoreOptions,
  secondsSince,
  t,
  table,
  topic,
} from '../../src/index.ts'
import { Duck } from '../../src/offline/index.ts'
import { encodeKey } from '../../src/schema/index.ts'

/** Who is forgotten, and who stays as they were. */
export const [subject, bystander] = ['mallory-4711', 'trent-0815']

/** A text as files and stores may hold it: as it is, and as keys of online stores pack it. */
export const formsOf = (word: string): readonly Buffer[] => [Buffer.from(word), Buffer.from(encodeKey([t.string().data], [word]))]

/** A group over a table in a file, in which there is a row of the bystander. */
export async function citiesOf(folder: string) {
  const path = join(folder, 'users.csv')
  await writeFile(path, `user_id,city,at\n${bystander},Graz,2026-02-01T00:00:00Z\n`)
  const source = table('users', {
    columns: { user_id: t.string(), city: t.string(), at: t.timestamp() },
    time: 'at',
    history: csv(path),
  })
  return featureGroup({
    name: 'user_profile',
    entity: entity('user', { user_id: t.string() }),
    source,
    features: (row) => ({ user_city: row.city }),
  })
}

/** The files below a folder that hold a word as it is or packed, and those of Parquet that hold it when they are read. */
export async function tracesIn(folder: string, word: string): Promise<string[]> {
  await using duck = await Duck.open({ threads: 1 })
  const found: string[] = []
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    // Locks and journals come and go beside a worker.
    const bytes = await readFile(path).catch(() => Buffer.alloc(0))
    const isParquet = path.endsWith('.parquet') && bytes.length > 0
    const rows = isParquet
      ? await duck.rows(`SELECT 1 FROM read_parquet('${path}', hive_partitioning = false) AS r WHERE CAST(r AS VARCHAR) LIKE '%${word}%'`)
      : []
    if (rows.length > 0 || formsOf(word).some((form) => bytes.includes(form))) found.push(path.slice(folder.length + 1))
  }
  return found.sort()
}

export const user = entity('user', { user_id: t.string() })
const pair = entity('pair', { item: t.string(), user_id: t.string() })

/** A live group that its topic is partitioned for by copies, one of pairs, and one of a table, with histories in files of a folder. */
export function definitionsIn(folder: string) {
  const clicks = events('clicks', {
    columns: { click_id: t.string(), who: t.string(), item: t.string(), at: t.timestamp() },
    time: 'at',
    id: 'click_id',
    lateness: '1h',
    history: ndjson(join(folder, 'clicks.ndjson'), { columns: { who: 'customer' } }),
    stream: topic('clicks', { key: ['item'] }),
  })
  const profiles = table('profiles', {
    columns: { user_id: t.string(), city: t.string(), at: t.timestamp() },
    time: 'at',
    history: parquet(join(folder, 'profiles.parquet')),
  })
  const live = featureGroup({
    name: 'user_clicks',
    version: 1,
    entity: user,
    keys: { user_id: 'who' },
    source: clicks,
    features: (click) => ({ user_click_count_1d: count().over('1d'), user_seconds_since_click: secondsSince(last(click.at)) }),
  })
  const pairs = featureGroup({
    name: 'pair_clicks',
    version: 1,
    entity: pair,
    keys: { item: 'item', user_id: 'who' },
    source: clicks,
    features: () => ({ pair_click_count_lifetime: count() }),
  })
  const cities = featureGroup({
    name: 'user_profile',
    version: 1,
    entity: user,
    source: profiles,
    features: (row) => ({ user_city: row.city }),
  })
  const view = featureView({ name: 'ranking', version: 1, features: [live, cities] })
  return { clicks, live, pairs, cities, view, all: [view, pairs] }
}

const someone = (at: number): string => (at % 5 === 0 ? subject : at % 5 === 1 ? bystander : `user-${at % 4}`)

export const click = (id: number, who: string, hour = 10) => ({
  click_id: `c${id}`,
  who,
  item: `i${id % 3}`,
  at: `2026-03-01T${String(hour).padStart(2, '0')}:00:${String(id % 60).padStart(2, '0')}Z`,
})

/** The histories of the sources: 30 clicks and 40 profiles, every fifth of the subject, every fifth of the bystander. */
export async function writeHistories(folder: string): Promise<void> {
  const lines = Array.from({ length: 30 }, (_, at) => {
    const { who, ...rest } = click(at, someone(at))
    return `${JSON.stringify({ customer: who, ...rest })}\n`
  })
  await writeFile(join(folder, 'clicks.ndjson'), lines.join(''))
  await using duck = await Duck.open({ threads: 1 })
  await duck.run(`COPY (SELECT CASE i % 5 WHEN 0 THEN '${subject}' WHEN 1 THEN '${bystander}' ELSE 'user-' || (i % 4) END AS user_id,
    'city ' || i AS city, TIMESTAMP '2026-02-01' + i * INTERVAL 1 HOUR AS at FROM range(40) t(i))
    TO '${join(folder, 'profiles.parquet')}'`)
}

/** What was served of both, as a feature log and as reads that were kept, in the folder of a store. */
export async function writeServed(folder: string): Promise<void> {
  await using duck = await Duck.open({ threads: 1 })
  await mkdir(join(folder, 'served/ranking@1/date=2026-03-01'), { recursive: true })
  await duck.run(`COPY (SELECT 'r' || i AS __read_id, '{"user_id":"' || CASE i % 2 WHEN 0 THEN '${subject}' ELSE '${bystander}' END || '"}' AS __keys
    FROM range(10) t(i)) TO '${join(folder, 'served/ranking@1/date=2026-03-01/a.parquet')}'`)
  await mkdir(join(folder, 'reads'), { recursive: true })
  for (const who of [subject, bystander])
    await writeFile(
      join(folder, 'reads', `${who === subject ? 'r1' : 'r2'}.json`),
      JSON.stringify({ view: 'ranking', rows: [{ keys: { user_id: who } }] }),
    )
}

/**
 * A store with the subject and the bystander in all that it has: materialized and backfilled values with statistics, a training set,
 * a stream's sealed and recent state, late events, landed history, dead letters. Its worker runs until it is disposed of.
 */
export async function storeWithSubjects(options: Partial<StoreOptions>) {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-forget-'))
  const definitions = definitionsIn(folder)
  await writeHistories(folder)
  const store = await openStore({
    definitions: definitions.all,
    folder: join(folder, 'store'),
    statistics: true,
    clock: () => new Date('2026-03-01T12:00:00Z'),
    ...options,
  })
  const { view, cities, live, pairs } = definitions
  await store.materialize([cities])
  await store.backfill(cities, { from: '2026-02-01', to: '2026-02-04', every: '1d' })
  const labels = [subject, bystander].map((user_id) => ({ user_id, at: '2026-03-01T11:00:00Z' }))
  await using set = await store.trainingSet(view, labels, { moment: 'at' })
  await set.write(join(folder, 'set.parquet'))
  const worker = await store.stream([live, pairs])
  await worker.ready
  const push = async (first: number, hour?: number) =>
    await store.push(
      'clicks',
      Array.from({ length: 10 }, (_, at) => click(first + at, someone(at), hour)),
    )
  await push(100)
  await worker.flush()
  // Late ones, and then some that are in the recent rows only.
  await push(150, 3)
  await push(200, 11)
  await worker.flush()
  const read = async (who: string) => (await store.vector(view, { user_id: who })).values
  assert.equal((await read(subject)).user_click_count_1d, 6 + 3 * 2)
  return {
    folder,
    store,
    worker,
    definitions,
    read,
    push,
    async [Symbol.asyncDispose]() {
      await worker.close()
      await store.close()
      rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
    },
  }
}
