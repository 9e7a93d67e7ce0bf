import { effectiveMoment } from '../definition/index.ts'
import { type Duck, physicalType, type Scan } from '../offline/index.ts'
import type { GroupUse } from '../plan/index.ts'
import type { TypeData } from '../schema/index.ts'
import { type Interrupt, quoteIdentifier } from './context.ts'
import { type Division, divide } from './division.ts'
import { type GroupInput, groupValues, historyColumns, historySql } from './group-values.ts'
import { memoryBudget } from './memory-budget.ts'
import { computePartition, type PartitionTask, valueColumns } from './partition.ts'
import { PartitionWorkers } from './partition-workers.ts'
import { Spill } from './spill.ts'

/** A table of the engine that gives `__key_x` (see `labels.ts`), `__at` and `__row` (0, 1, 2, ...) of every moment asked for. */
export interface MomentTable {
  readonly table: string
  readonly count: number
}

export interface EvaluateOptions {
  readonly asKnown: boolean
  readonly memoryLimit: number | null
  /** Processes that compute partitions side by side; 1 computes in this one. */
  readonly workers: number
  /** Into at least so many partitions keys are dealt; 1 where memory and workers decide. */
  readonly partitions: number
  readonly temporaryFolder: string
}

/**
 * Values of one group at every moment, into the table `into`: a column for each feature of the group, a row for each
 * moment in order. Where the history would pass the memory limit, or several workers share the work, keys are dealt into
 * partitions that go through files.
 */
export async function evaluateUse(
  duck: Duck,
  use: GroupUse,
  scan: Scan,
  moments: MomentTable,
  keyColumn: (name: string) => string,
  into: string,
  options: EvaluateOptions,
  interrupt: Interrupt,
): Promise<void> {
  const { plan } = use
  interrupt.stage(`reading ${plan.group.source.name}`)
  const division = await divide(duck, use, scan, moments.count, options)
  const partitions = Math.max(options.partitions, division.partitions)
  const keys = await findMomentKeys(duck, use, moments, keyColumn, partitions)
  const [bounds] = await duck.rows(`SELECT min(__at) AS first, max(__at) AS last FROM ${moments.table}`)
  const effective = (moment: unknown) => effectiveMoment(plan.group.refresh, (moment as number | null) ?? 0)
  const join = use.keys.map(({ name }, index) => `m.${quoteIdentifier(keyColumn(name))} = k.key_${index}`).join(' AND ')
  const momentsSql = `SELECT k.__k::DOUBLE AS __k, m.__at, m.__row::DOUBLE AS __row, coalesce(k.__part, 0) AS __part FROM ${moments.table} m LEFT JOIN ${keys.table} k ON ${join}`
  const bound = { asKnown: options.asKnown, first: effective(bounds?.first), last: effective(bounds?.last) }
  if (partitions === 1) {
    const input: GroupInput = {
      keyCount: keys.counts.get(0) ?? 0,
      momentCount: moments.count,
      momentsSql: `SELECT __k, __at, __row FROM (${momentsSql}) ORDER BY __row`,
      historySql: historySql(use, scan, `SELECT * FROM ${keys.table}`, bound),
    }
    const { values, rows, count } = await groupValues(duck, use, input, options.asKnown, interrupt)
    const columns = valueColumns(use)
    await duck.createTable(into, columns)
    await duck.append(into, Object.values(columns), [{ values: rows, nulls: null }, ...values.columns()], count)
  } else {
    await using spill = await Spill.open(duck.folder)
    const within = (first: number, end: number) => `__part BETWEEN ${first} AND ${end - 1}`
    const history = (first: number, end: number) =>
      historySql(use, scan, `SELECT * FROM ${keys.table} WHERE ${within(first, end)}`, bound, ', k.__part')
    await spill.deal(duck, 'history', partitions, division.historyRow, history, () => {
      interrupt.check()
      interrupt.stage(`dealing out ${plan.group.source.name}`)
    })
    await spill.deal(duck, 'moments', partitions, momentRow, (first, end) => `SELECT * FROM (${momentsSql}) WHERE ${within(first, end)}`)
    await computePartitions(await partitionTasks(duck, use, spill, momentsSql, keys, options), options, interrupt)
    await duck.createTable(into, valueColumns(use))
    for (const rows of sortedAtOnce(duck, moments.count, division))
      await duck.run(`INSERT INTO ${into} SELECT * FROM ${spill.allValues()} WHERE ${rows} ORDER BY __row`)
  }
  await duck.run(`DROP TABLE ${keys.table}`)
}

/** Bytes of a dealt moment. */
const momentRow = 32

/** Of the engine's memory, what it sorts without going through files, where it would need more for long rows than it has. */
const sortedShare = 0.25

/** Conditions that cut the rows of all moments, in order, into so many at a time as the engine sorts in memory. */
function sortedAtOnce({ memoryLimit }: Duck, count: number, { valueRow }: Division): readonly string[] {
  const length = Math.max(1, Math.min(count, Math.floor(((memoryLimit ?? Number.POSITIVE_INFINITY) * sortedShare) / valueRow)))
  const slices = Math.max(1, Math.ceil(count / length))
  return Array.from({ length: slices }, (_, slice) => `__row >= ${slice * length} AND __row < ${(slice + 1) * length}`)
}

interface MomentKeys {
  readonly table: string
  readonly counts: ReadonlyMap<number, number>
}

/** The keys that moments ask for, each with a dense number `__k` within its partition. */
async function findMomentKeys(
  duck: Duck,
  use: GroupUse,
  moments: MomentTable,
  keyColumn: (name: string) => string,
  partitions: number,
): Promise<MomentKeys> {
  const table = duck.uniqueName('keys')
  const list = use.keys.map(({ name }, index) => `${quoteIdentifier(keyColumn(name))} AS key_${index}`).join(', ')
  const names = use.keys.map((_, index) => `key_${index}`)
  const present = names.map((name) => `${name} IS NOT NULL`).join(' AND ')
  const part = partitions === 1 ? '0' : `(hash(${names.join(', ')}) % ${partitions})::INTEGER`
  await duck.run(
    `CREATE OR REPLACE TABLE ${table} AS SELECT *, (row_number() OVER (PARTITION BY __part)) - 1 AS __k FROM (SELECT DISTINCT ${names.join(', ')}, ${part} AS __part FROM (SELECT ${list} FROM ${moments.table}) WHERE ${present})`,
  )
  const counts = await duck.rows(`SELECT __part AS part, count(*)::DOUBLE AS count FROM ${table} GROUP BY ALL`)
  return { table, counts: new Map(counts.map(({ part: place, count }) => [Number(place), count as number])) }
}

/** What a partition reads of its file. Parquet has no arrays of a fixed length: vectors come back as lists. */
function spilledColumns(use: GroupUse): string {
  const { columns } = use.plan.group.source
  const vectors = historyColumns(use).filter((name) => columns[name]?.kind === 'vector')
  const casts = vectors.map(
    (name) => `CAST(${quoteIdentifier(name)} AS ${physicalType(columns[name] as TypeData)}) AS ${quoteIdentifier(name)}`,
  )
  return casts.length === 0 ? '*' : `* REPLACE (${casts.join(', ')})`
}

async function partitionTasks(
  duck: Duck,
  use: GroupUse,
  spill: Spill,
  momentsSql: string,
  keys: MomentKeys,
  { asKnown, memoryLimit, temporaryFolder, workers }: EvaluateOptions,
): Promise<PartitionTask[]> {
  const counts = await duck.rows(`SELECT __part AS part, count(*)::DOUBLE AS count FROM (${momentsSql}) GROUP BY ALL ORDER BY ALL`)
  const spilled = spilledColumns(use)
  const memoryLimitBytes = memoryLimit === null ? null : memoryBudget(memoryLimit, workers).partitionEngine
  const tasks = counts.map(async ({ part: place, count }) => {
    const part = Number(place)
    const history = await spill.rows('history', part)
    return {
      // Its rows are in files by now.
      group: { ...use.plan.group, source: { ...use.plan.group.source, history: null } },
      keys: use.keys,
      input: {
        keyCount: keys.counts.get(part) ?? 0,
        momentCount: count as number,
        momentsSql: `SELECT __k, __at, __row FROM ${await spill.rows('moments', part)} ORDER BY __row`,
        historySql: history && `SELECT ${spilled} FROM ${history}`,
      },
      asKnown,
      temporaryFolder,
      memoryLimitBytes,
      output: spill.values(part),
    }
  })
  return await Promise.all(tasks)
}

async function computePartitions(tasks: readonly PartitionTask[], { workers }: EvaluateOptions, interrupt: Interrupt): Promise<void> {
  if (workers === 1) {
    for (const task of tasks) await computePartition(task, interrupt)
    return
  }
  using pool = new PartitionWorkers(Math.min(workers, tasks.length))
  await pool.compute(tasks, interrupt)
}
