import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { DuckDBInstance } from '@duckdb/node-api'
import { LockstepError } from '../../src/errors.ts'
import { categories } from './data/assortment.ts'
import { Catalogue } from './data/catalogue.ts'
import { Delivery } from './data/delivery.ts'
import { Impressions, type LabelCounts } from './data/impressions.ts'
import { createPeople } from './data/people.ts'
import { stores } from './data/places.ts'
import { Random } from './data/random.ts'
import { day } from './data/span.ts'
import { Staging } from './data/staging.ts'
import { type TableName, tableNames } from './data/tables.ts'
import { eventsPerVisit, Visits } from './data/visits.ts'

const summaryFile = 'shop.json'
const end = Date.UTC(2026, 5, 1)

export interface ShopOptions {
  /** The folder to be made. It appears whole or not at all. */
  readonly path: string
  /** The same seed and sizes give the same rows on every machine. Default 1. */
  readonly seed?: number
  /** Clicks, carts, searches, orders and ratings together, within a few per cent. Default 1,000,000. */
  readonly events?: number
  /** Default one for 50 events. */
  readonly users?: number
  /** At least one for each category; default one for 200 events. */
  readonly items?: number
  /** Default one for 20 events. */
  readonly labels?: number
  /** The events happen in this many days before 2026-06-01T00:00:00Z. Default 120. */
  readonly days?: number
  /** Replace the folder if it is there. */
  readonly overwrite?: boolean
  /** Called with what is being done and the share of it that is done, 0 to 1. */
  readonly progress?: (step: string, share: number) => void
  readonly signal?: AbortSignal
}

export interface ShopSummary {
  readonly seed: number
  /** Events happen at `from <= at < to` (ISO 8601, UTC). */
  readonly from: string
  readonly to: string
  readonly rows: Readonly<Record<TableName, number>>
  /** Rows of the five event tables together, duplicates and corrections included. */
  readonly events: number
  /** Events that became known a minute to six hours after they had happened. */
  readonly late: number
  /** Rows that repeat an event that was delivered before. */
  readonly duplicates: number
  /** Order lines that replace an earlier version of themselves. */
  readonly corrections: number
  /** Rows of `labels`: bought within the day, of a user nobody knows, and copies of another row. */
  readonly labels: LabelCounts
}

/**
 * Generates the data of a shop as Parquet files: profiles, catalogue, stores, five kinds of events and labels, beside `shop.json`,
 * the summary. Throws `INVALID_ARGUMENT` for sizes that make no shop, `OUTPUT_EXISTS`, and `INTERRUPTED` when the signal says so.
 */
export async function generateShop(options: ShopOptions): Promise<ShopSummary> {
  const events = atLeast(1, 'events', options.events ?? 1_000_000)
  const seed = atLeast(0, 'seed', options.seed ?? 1)
  const userCount = atLeast(1, 'users', options.users ?? Math.ceil(events / 50))
  const itemCount = atLeast(categories.length, 'items', options.items ?? Math.max(5 * categories.length, Math.ceil(events / 200)))
  const labelCount = atLeast(0, 'labels', options.labels ?? Math.ceil(events / 20))
  const span = { from: end - atLeast(1, 'days', options.days ?? 120) * day, to: end }
  const path = resolve(options.path)
  const exists = existsSync(path)
  if (exists && !options.overwrite) throw new LockstepError('OUTPUT_EXISTS', `The folder ${options.path} is already there`)
  if (exists && !existsSync(join(path, summaryFile))) {
    throw new LockstepError('OUTPUT_EXISTS', `${options.path} is there and is not a shop; it is not replaced`)
  }

  const step = async (name: string, share: number) => {
    options.progress?.(name, share)
    await nextTurn()
    if (options.signal?.aborted) throw new LockstepError('INTERRUPTED', 'The generation of the shop was stopped')
  }

  const unfinished = join(dirname(path), `.${basename(path)}-${randomUUID()}`)
  const replaced = `${unfinished}-replaced`
  await mkdir(unfinished, { recursive: true })
  // One thread: with more, DuckDB divides the files of a day among them as chance has it.
  const instance = await DuckDBInstance.create(':memory:', { threads: '1', temp_directory: join(unfinished, 'spill') })
  const connection = await instance.connect()
  try {
    const staging = await Staging.create(connection)
    const people = createPeople(new Random(seed, 1), userCount, span, staging)
    const catalogue = new Catalogue(new Random(seed, 2), itemCount, span, staging)
    for (const [place, { latitude, longitude }] of stores.entries()) {
      staging.write('stores', { store_id: place + 1, latitude, longitude }, place)
    }
    const delivery = new Delivery(new Random(seed, 3), staging)
    const impressions = new Impressions(new Random(seed, 4), labelCount)
    const visits = new Visits(new Random(seed, 5), span, people, catalogue, delivery, impressions)
    for (const share of visits.happen(Math.ceil(events / eventsPerVisit))) await step('events', share)
    const labels = impressions.writeLabels(people, visits.purchasesOf, staging)
    staging.close()

    for (const [place, table] of tableNames.entries()) {
      await staging.export(table, unfinished)
      await step('files', (place + 1) / tableNames.length)
    }
    await rm(join(unfinished, 'spill'), { recursive: true, force: true })

    const rows = staging.rows()
    const summary: ShopSummary = {
      seed,
      from: new Date(span.from).toISOString(),
      to: new Date(span.to).toISOString(),
      rows,
      events: rows.clicks + rows.carts + rows.searches + rows.orders + rows.ratings,
      late: delivery.late,
      duplicates: delivery.duplicates,
      corrections: visits.corrections,
      labels,
    }
    await writeFile(join(unfinished, summaryFile), `${JSON.stringify(summary, null, 2)}\n`)
    if (exists) await rename(path, replaced)
    await rename(unfinished, path)
    await rm(replaced, { recursive: true, force: true })
    return summary
  } finally {
    connection.closeSync()
    instance.closeSync()
    await rm(unfinished, { recursive: true, force: true })
  }
}

function atLeast(smallest: number, name: string, value: number): number {
  if (Number.isSafeInteger(value) && value >= smallest) return value
  throw new LockstepError('INVALID_ARGUMENT', `${name} must be a whole number from ${smallest} on, not ${value}`)
}

const usage = `Generates the data of a shop from a seed, as Parquet files.

  node examples/shop/generate.ts --out DIR [options]

  --out DIR      the folder to be made
  --events N     clicks, carts, searches, orders and ratings together (1000000)
  --users N      customers (one for 50 events)
  --items N      items of the catalogue (one for 200 events)
  --labels N     rows of labels (one for 20 events)
  --days N       days before 2026-06-01 in which the events happen (120)
  --seed N       the same seed and sizes give the same rows everywhere (1)
  --overwrite    replace the folder if it is there
`

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      out: { type: 'string' },
      events: { type: 'string' },
      users: { type: 'string' },
      items: { type: 'string' },
      labels: { type: 'string' },
      days: { type: 'string' },
      seed: { type: 'string' },
      overwrite: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  })
  const { out: path, overwrite = false } = values
  if (values.help || path === undefined) {
    process.stdout.write(usage)
    process.exitCode = values.help ? 0 : 2
    return
  }
  const stop = new AbortController()
  process.once('SIGINT', () => stop.abort())
  const started = performance.now()
  const numbers = ['events', 'users', 'items', 'labels', 'days', 'seed'] as const
  const sizes = Object.fromEntries(numbers.flatMap((name) => (values[name] === undefined ? [] : [[name, Number(values[name])]])))
  const progress = (step: string, share: number) => {
    if (process.stderr.isTTY) process.stderr.write(`\r${step} ${Math.floor(share * 100)} % ${share === 1 ? '\n' : ''}`)
  }
  const summary = await generateShop({ path, overwrite, progress, signal: stop.signal, ...sizes })
  process.stdout.write(`${JSON.stringify(summary, null, 2)}\n${path}: ${((performance.now() - started) / 1000).toFixed(1)} s\n`)
}

if (import.meta.main) {
  await main().catch((error: unknown) => {
    process.stderr.write(error instanceof LockstepError ? `${error.message}\n${error.remedy}\n` : `${String(error)}\n`)
    process.exitCode = 1
  })
}
