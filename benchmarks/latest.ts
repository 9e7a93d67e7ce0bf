import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { entity, featureGroup, featureView, openStore, parquet, t, table } from 'lockstep'
import { Duck } from '../src/offline/index.ts'
import { labelsFile, tableFile } from './lib/data.ts'
import { report, runSides, type Side } from './lib/sides.ts'

interface Options {
  readonly rows: number
  readonly labels: number
  readonly keys: number
  readonly runs: number
  readonly json: string
}

const out = (side: string) => join(tmpdir(), 'lockstep-bench', `latest-${side}.parquet`)

export async function latest(options: Options): Promise<void> {
  const files = { rows: await tableFile(options.rows, options.keys), labels: await labelsFile(options.labels, options.keys) }
  console.log(
    `latest: ${options.rows} rows of ${options.keys} keys, ${options.labels} labels, the newest row at each label, Parquet in and out`,
  )
  const sides: Side[] = [
    { name: 'Lockstep', module: import.meta.url, options: { side: 'lockstep', ...files } },
    { name: 'DuckDB ASOF JOIN', module: import.meta.url, options: { side: 'duckdb', ...files } },
  ]
  const results = await runSides(sides, options.runs)
  await compare()
  await report('latest', sides, results, 'the bar: no slower, in no more memory', options.json, { ...options })
}

export async function side({ side, rows, labels }: { side: 'lockstep' | 'duckdb'; rows: string; labels: string }): Promise<void> {
  if (side === 'lockstep') await lockstepSide(rows, labels)
  else await duckdbSide(rows, labels)
}

async function lockstepSide(path: string, labels: string): Promise<void> {
  const user = entity('user', { user_id: t.integer() })
  const accounts = table('accounts', {
    columns: { user_id: t.integer(), at: t.timestamp(), balance: t.float(), level: t.integer() },
    time: 'at',
    history: parquet(path),
  })
  const account = featureGroup({
    name: 'account',
    entity: user,
    source: accounts,
    features: (row) => ({ balance: row.balance, level: row.level }),
  })
  const view = featureView({ name: 'account_view', features: [account] })
  await using store = await openStore({ definitions: [account, view], online: 'memory' })
  await using set = await store.trainingSet(view, labels)
  await set.write(out('lockstep'), { overwrite: true })
}

async function duckdbSide(path: string, labels: string): Promise<void> {
  await using duck = await Duck.open()
  await duck.run(`COPY (
    SELECT l.label_id, l.user_id, l."at", r.balance, r.level FROM '${labels}' l ASOF LEFT JOIN '${path}' r ON l.user_id = r.user_id AND l."at" >= r."at" ORDER BY l.label_id
  ) TO '${out('duckdb')}' (FORMAT parquet)`)
}

async function compare(): Promise<void> {
  await using duck = await Duck.open()
  const [row] = await duck.rows(
    `SELECT count(*)::DOUBLE AS labels, count(*) FILTER (WHERE a.balance IS DISTINCT FROM b.balance OR a.level IS DISTINCT FROM b.level)::DOUBLE AS different FROM '${out('lockstep')}' a JOIN '${out('duckdb')}' b USING (label_id)`,
  )
  console.log(`  the answers of both: ${row?.labels} labels compared, ${row?.different} different`)
  if (row?.different !== 0) throw new Error('the answers differ')
}
