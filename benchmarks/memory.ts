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
  maximum,
  onDemand,
  openStore,
  parquet,
  sum,
  t,
  table,
  topK,
} from 'lockstep'
import { plainBytes, purchaseLabelsFile, purchasesFile, tiersFile } from './lib/data.ts'
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

const out = (side: string) => join(tmpdir(), 'lockstep-bench', `memory-${side.replaceAll(/\W+/g, '-')}.parquet`)
const gibibytes = (bytes: number) => `${(bytes / 2 ** 30).toFixed(2)} GiB`

/** A training set within a memory limit, in one process and with workers, over data several times as large, and the same without. */
export async function memory(options: Options): Promise<void> {
  const { events: rows, labels, users, limit, json } = options
  const files: Files = {
    purchases: await purchasesFile(rows, users),
    tiers: await tiersFile(Math.ceil(rows / 8), users),
    labels: await purchaseLabelsFile(labels, users),
  }
  let bytes = 0
  for (const path of Object.values(files)) bytes += await plainBytes(path)
  const times = bytes / limit
  console.log(`memory: ${rows} purchases of ${users} users, ${Math.ceil(rows / 8)} rows of a table, ${labels} labels`)
  console.log(`  ${gibibytes(bytes)} as plain columns (8 bytes a number or a moment, a text its own): ${times.toFixed(1)} times the limit`)
  const run = async (name: string, memoryLimit: number | null, workers: number): Promise<Run & { hash: string }> => {
    const result = await runSide({ name, module: import.meta.url, options: { files, memoryLimit, workers, out: out(name) } })
    console.log(`  ${name.padEnd(20)} ${result.seconds.toFixed(1).padStart(8)} s ${result.peakMemory.toFixed(0).padStart(7)} MiB at most`)
    return { ...result, hash: await sha256(out(name)) }
  }
  const limited = await run('limited', limit, 1)
  const workers = await run('limited, 2 workers', limit, 2)
  const unlimited = await run('unlimited', null, 1)
  const equal = limited.hash === unlimited.hash && workers.hash === unlimited.hash
  const within = Math.max(limited.peakMemory, workers.peakMemory) * 2 ** 20 <= limit
  console.log(`  the limit of ${gibibytes(limit)}, of all processes together, is ${within ? 'kept' : 'NOT kept'}`)
  console.log(`  the files are ${equal ? 'equal' : 'NOT equal'}, byte for byte (SHA-256 ${limited.hash.slice(0, 16)}...)`)
  const results = { bytes, times, equal, within, limited, workers, unlimited }
  await writeFile(json, `${JSON.stringify({ name: 'memory', machine, ...options, ...results }, null, 2)}\n`)
  console.log(`  written to ${json}`)
  if (!equal || !within) process.exitCode = 1
}

async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}

interface SideOptions {
  readonly files: Files
  readonly memoryLimit: number | null
  readonly workers: number
  readonly out: string
}

export async function side({ files, memoryLimit, workers, out: path }: SideOptions): Promise<void> {
  const { definitions, view } = purchaseFeatures(files)
  await using store = await openStore({ definitions, online: 'memory' })
  await using set = await store.trainingSet(view, files.labels, { workers, ...(memoryLimit === null ? {} : { memoryLimit }) })
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
      shop_id: t.integer(),
      category: t.string(),
      city: t.string(),
      quantity: t.integer(),
      price: t.decimal(12, 2),
      discount: t.decimal(12, 2),
      shipping: t.decimal(12, 2),
      tax: t.decimal(12, 2),
      total: t.decimal(12, 2),
      weight: t.float(),
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
      user_quantity_sum_7d: sum(row.quantity).over('7d'),
      user_discount_sum_30d: sum(row.discount).over('30d'),
      user_shipping_sum_lifetime: sum(row.shipping),
      user_price_max_7d: maximum(row.price).over('7d'),
      user_shop_last: last(row.shop_id),
      user_city_last: last(row.city),
      user_category_last: last(row.category),
      user_category_top2_7d: topK(row.category, 2).over('7d'),
    }),
  })
  const itemPurchases = featureGroup({
    name: 'item_purchases',
    entity: item,
    source: purchases,
    features: (row) => ({
      item_purchase_count_lifetime: count(),
      item_total_sum_1d: sum(row.total).over('1d'),
      item_tax_sum_7d: sum(row.tax).over('7d'),
      item_weight_avg_lifetime: average(row.weight),
    }),
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
