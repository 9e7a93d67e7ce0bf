import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import {
  average,
  count,
  entity,
  events,
  featureGroup,
  featureView,
  last,
  onDemand,
  openStore,
  parquet,
  sum,
  t,
  table,
  topK,
} from 'lockstep'
import { purchaseLabelsFile, purchasesFile, tiersFile } from './lib/data.ts'
import { machine, type Run, runSide } from './lib/sides.ts'

interface Options {
  readonly events: number
  readonly labels: number
  readonly users: number
  readonly limit: number
  readonly json: string
}

interface Files {
  readonly purchases: string
  readonly tiers: string
  readonly labels: string
}

const out = (side: string) => join(tmpdir(), 'lockstep-bench', `memory-${side}.parquet`)
const megabytes = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MB`

/** A training set within a memory limit, over data several times as large, and the same without; the files are equal. */
export async function memory(options: Options): Promise<void> {
  const { events: rows, labels, users, limit, json } = options
  const files: Files = {
    purchases: await purchasesFile(rows, users),
    tiers: await tiersFile(Math.ceil(rows / 8), users),
    labels: await purchaseLabelsFile(labels, users),
  }
  console.log(`memory: ${rows} events of ${users} users, ${labels} labels; texts, decimals, two groups of events, a table, on demand`)
  const run = async (name: string, memoryLimit: number | null): Promise<Run & { hash: string }> => {
    const result = await runSide({ name, module: import.meta.url, options: { files, memoryLimit, out: out(name) } })
    console.log(`  ${name.padEnd(10)} ${result.seconds.toFixed(1).padStart(8)} s ${result.peakMemory.toFixed(0).padStart(7)} MB at most`)
    return { ...result, hash: await sha256(out(name)) }
  }
  const limited = await run('limited', limit)
  const unlimited = await run('unlimited', null)
  const equal = limited.hash === unlimited.hash
  const within = limited.peakMemory * 2 ** 20 <= limit
  console.log(
    `  a limit of ${megabytes(limit)} over ${(unlimited.peakMemory / (limit / 2 ** 20)).toFixed(1)} times as much: ${within ? 'kept' : 'NOT kept'}`,
  )
  console.log(`  the files are ${equal ? 'equal' : 'NOT equal'}, byte for byte (SHA-256 ${limited.hash.slice(0, 16)}...)`)
  await writeFile(json, `${JSON.stringify({ name: 'memory', machine, ...options, equal, within, limited, unlimited }, null, 2)}\n`)
  console.log(`  written to ${json}`)
  if (!equal || !within) process.exitCode = 1
}

async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}

export async function side({ files, memoryLimit, out: path }: { files: Files; memoryLimit: number | null; out: string }): Promise<void> {
  const { definitions, view } = purchaseFeatures(files)
  await using store = await openStore({ definitions, online: 'memory' })
  await using set = await store.trainingSet(view, files.labels, memoryLimit === null ? {} : { memoryLimit })
  await set.write(path, { overwrite: true })
}

export function purchaseFeatures(files: Files) {
  const user = entity('user', { user_id: t.string() })
  const item = entity('item', { item_id: t.integer() })
  const purchases = events('purchases', {
    columns: {
      purchase_id: t.integer(),
      user_id: t.string(),
      item_id: t.integer(),
      category: t.string(),
      total: t.decimal(12, 2),
      at: t.timestamp(),
    },
    time: 'at',
    id: 'purchase_id',
    history: parquet(files.purchases),
  })
  const tiers = table('tiers', {
    columns: { user_id: t.string(), tier: t.string(), discount: t.decimal(4, 2), at: t.timestamp() },
    time: 'at',
    history: parquet(files.tiers),
  })
  const userPurchases = featureGroup({
    name: 'user_purchases',
    entity: user,
    source: purchases,
    features: (row) => ({
      user_purchase_count_7d: count().over('7d'),
      user_total_sum_lifetime: sum(row.total),
      user_total_avg_30d: average(row.total).over('30d'),
      user_category_last: last(row.category),
      user_category_top2_7d: topK(row.category, 2).over('7d'),
    }),
  })
  const itemPurchases = featureGroup({
    name: 'item_purchases',
    entity: item,
    source: purchases,
    features: (row) => ({ item_total_sum_1d: sum(row.total).over('1d'), item_purchase_count_lifetime: count() }),
  })
  const userTier = featureGroup({
    name: 'user_tier',
    entity: user,
    source: tiers,
    features: (row) => ({ user_tier: row.tier, user_discount: row.discount }),
  })
  const context = onDemand({
    name: 'context',
    request: { budget: t.float() },
    from: [userPurchases.pick('user_total_avg_30d')],
    features: { budget_vs_total_avg: t.float().nullable() },
    compute: ({ user_total_avg_30d: total }, { budget }) => ({ budget_vs_total_avg: total ? budget / Number(total) : null }),
  })
  const view = featureView({ name: 'purchasing', features: [userPurchases, itemPurchases, userTier, context] })
  return { definitions: [userPurchases, itemPurchases, userTier, context, view], view }
}
