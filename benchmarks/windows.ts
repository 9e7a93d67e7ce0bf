import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { count, entity, events, featureGroup, featureView, openStore, parquet, sum, t } from 'lockstep'
import { Duck } from '../src/offline/index.ts'
import { eventsFile, labelsFile } from './lib/data.ts'
import { report, runSides, type Side } from './lib/sides.ts'

interface Options {
  readonly events: number
  readonly labels: number
  readonly keys: number
  readonly runs: number
  readonly json: string
}

const out = (side: string) => join(tmpdir(), 'lockstep-bench', `windows-${side}.parquet`)

/** Ours and DuckDB on the same files; the answers are compared value by value, sums within a double's rounding. */
export async function windows(options: Options): Promise<void> {
  const files = { events: await eventsFile(options.events, options.keys), labels: await labelsFile(options.labels, options.keys) }
  console.log(
    `windows: ${options.events} events of ${options.keys} keys, ${options.labels} labels, 3 sliding windows x {count, sum}, Parquet in and out`,
  )
  const sides: Side[] = [
    { name: 'Lockstep', module: import.meta.url, options: { side: 'lockstep', ...files } },
    { name: 'DuckDB window functions', module: import.meta.url, options: { side: 'duckdb', ...files } },
  ]
  const results = await runSides(sides, options.runs)
  await compare()
  await report('windows', sides, results, 'the bar: at least 3 times as fast, in no more memory', options.json, { ...options })
}

export async function side({
  side,
  events: eventsPath,
  labels,
}: {
  side: 'lockstep' | 'duckdb'
  events: string
  labels: string
}): Promise<void> {
  if (side === 'lockstep') await lockstepSide(eventsPath, labels)
  else await duckdbSide(eventsPath, labels)
}

/** Also used by `growth`. */
export async function lockstepSide(path: string, labels: string): Promise<void> {
  const user = entity('user', { user_id: t.integer() })
  const purchases = events('purchases', {
    columns: { user_id: t.integer(), at: t.timestamp(), amount: t.float() },
    time: 'at',
    history: parquet(path),
  })
  const activity = featureGroup({
    name: 'activity',
    entity: user,
    source: purchases,
    features: (row) => ({
      count_1h: count().over('1h'),
      sum_1h: sum(row.amount).over('1h'),
      count_1d: count().over('1d'),
      sum_1d: sum(row.amount).over('1d'),
      count_7d: count().over('7d'),
      sum_7d: sum(row.amount).over('7d'),
    }),
  })
  const view = featureView({ name: 'activity_view', features: [activity] })
  await using store = await openStore({ definitions: [activity, view], online: 'memory' })
  await using set = await store.trainingSet(view, labels)
  await set.write(out('lockstep'), { overwrite: true })
}

async function duckdbSide(path: string, labels: string): Promise<void> {
  await using duck = await Duck.open()
  const window = (name: string, length: string) =>
    `${name} AS (PARTITION BY user_id ORDER BY "at" RANGE BETWEEN INTERVAL '${length}' PRECEDING AND INTERVAL '1 microsecond' PRECEDING)`
  const columns = ['1h', '1d', '7d']
    .map((name) => `count(amount) OVER w${name} AS count_${name}, coalesce(sum(amount) OVER w${name}, 0) AS sum_${name}`)
    .join(', ')
  await duck.run(`COPY (
    WITH rows AS (SELECT NULL::BIGINT AS label_id, user_id, "at", amount FROM '${path}' UNION ALL SELECT label_id, user_id, "at", NULL FROM '${labels}'),
    answers AS (SELECT *, ${columns} FROM rows WINDOW ${window('w1h', '1 hour')}, ${window('w1d', '1 day')}, ${window('w7d', '7 days')})
    SELECT label_id, user_id, "at", count_1h, sum_1h, count_1d, sum_1d, count_7d, sum_7d FROM answers WHERE label_id IS NOT NULL ORDER BY label_id
  ) TO '${out('duckdb')}' (FORMAT parquet)`)
}

async function compare(): Promise<void> {
  await using duck = await Duck.open()
  const differs = ['1h', '1d', '7d']
    .map((name) => `a.count_${name} <> b.count_${name} OR abs(a.sum_${name} - b.sum_${name}) > 1e-6`)
    .join(' OR ')
  const [row] = await duck.rows(
    `SELECT count(*)::DOUBLE AS labels, count(*) FILTER (WHERE ${differs})::DOUBLE AS different FROM '${out('lockstep')}' a JOIN '${out('duckdb')}' b USING (label_id)`,
  )
  console.log(`  the answers of both: ${row?.labels} labels compared, ${row?.different} different`)
  if (row?.different !== 0) throw new Error('the answers differ')
}
