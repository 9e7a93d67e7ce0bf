import type { Duck, Scan } from '../offline/index.ts'
import { effectiveMoment } from '../definition/index.ts'
import type { EventGroupPlan, GroupUse } from '../plan/index.ts'
import type { TypeData } from '../schema/index.ts'
import { type Interrupt, quoteIdentifier } from './context.ts'
import { columnsToRead } from './event-history.ts'
import { type GroupInput, groupValues, historySql } from './group-values.ts'
import { Spill } from './spill.ts'

/** A table of the engine that gives `__key_x` (see `labels.ts`), `__at` and `__row` (0, 1, 2, ...) of every moment asked for. */
export interface MomentTable {
  readonly table: string
  readonly count: number
}

export interface EvaluateOptions {
  readonly asKnown: boolean
  readonly memoryLimit: number | null
  readonly temporaryFolder: string
}

/**
 * Values of one group at every moment, into the table `into`: a column for each feature of the group, a row for each
 * moment in order. Where the history would pass the memory limit, keys are dealt into partitions that go through files.
 */
export async function evaluateUse(duck: Duck, use: GroupUse, scan: Scan, moments: MomentTable, keyColumn: (name: string) => string, into: string, options: EvaluateOptions, interrupt: Interrupt): Promise<void> {
  const { plan } = use
  const features = plan.features
  const rowColumn: Record<string, TypeData> = { __row: { kind: 'integer', nullable: false } }
  const columns: Record<string, TypeData> = { ...rowColumn, ...Object.fromEntries(features.map(({ name, type }) => [name, { ...type, nullable: true }])) }
  interrupt.stage(`reading ${plan.group.source.name}`)
  const partitions = await partitionCount(duck, use, scan, moments, options)
  const staged = partitions === 1 ? into : duck.uniqueName('values')
  await duck.createTable(staged, columns)

  const keys = duck.uniqueName('keys')
  const keyList = use.keys.map(({ name }, index) => `${quoteIdentifier(keyColumn(name))} AS key_${index}`).join(', ')
  const keyNames = use.keys.map((_, index) => `key_${index}`)
  const present = keyNames.map((name) => `${name} IS NOT NULL`).join(' AND ')
  const part = `(hash(${keyNames.join(', ')}) % ${partitions})::INTEGER`
  await duck.run(
    `CREATE OR REPLACE TABLE ${keys} AS SELECT *, (row_number() OVER (PARTITION BY __part)) - 1 AS __k FROM (SELECT DISTINCT ${keyNames.join(', ')}, ${partitions === 1 ? '0' : part} AS __part FROM (SELECT ${keyList} FROM ${moments.table}) WHERE ${present})`,
  )
  const counts = await duck.rows(`SELECT __part AS part, count(*)::DOUBLE AS count FROM ${keys} GROUP BY ALL`)
  const keyCounts = new Map(counts.map(({ part, count }) => [Number(part), count as number]))
  const [bounds] = await duck.rows(`SELECT min(__at) AS first, max(__at) AS last FROM ${moments.table}`)
  const first = effectiveMoment(plan.group.refresh, (bounds?.['first'] as number | null) ?? 0)
  const last = effectiveMoment(plan.group.refresh, (bounds?.['last'] as number | null) ?? 0)

  const join = use.keys.map(({ name }, index) => `m.${quoteIdentifier(keyColumn(name))} = k.key_${index}`).join(' AND ')
  const momentsSql = `SELECT k.__k::DOUBLE AS __k, m.__at, m.__row::DOUBLE AS __row, coalesce(k.__part, 0) AS __part FROM ${moments.table} m LEFT JOIN ${keys} k ON ${join}`
  const history = historySql(use, scan, `SELECT * FROM ${keys}`, { asKnown: options.asKnown, first, last }, partitions === 1 ? '' : ', k.__part')
  const evaluate = async (input: GroupInput) => {
    const { values, rows, count } = await groupValues(duck, use, input, options.asKnown, interrupt)
    await duck.append(staged, Object.values(columns), [{ values: rows, nulls: null }, ...values.columns()], count)
  }
  if (partitions === 1) {
    await evaluate({ keyCount: keyCounts.get(0) ?? 0, momentCount: moments.count, momentsSql: `SELECT __k, __at, __row FROM (${momentsSql}) ORDER BY __row`, historySql: history })
  } else {
    await using spill = await Spill.open(options.temporaryFolder)
    await spill.write(duck, 'history', history, partitions)
    await spill.write(duck, 'moments', momentsSql, partitions)
    const momentCounts = await duck.rows(`SELECT __part AS part, count(*)::DOUBLE AS count FROM ${spill.all('moments')} GROUP BY ALL ORDER BY ALL`)
    for (const { part, count } of momentCounts) {
      const place = Number(part)
      const found = await spill.has('history', place)
      await evaluate({
        keyCount: keyCounts.get(place) ?? 0,
        momentCount: count as number,
        momentsSql: `SELECT __k, __at, __row FROM ${spill.one('moments', place)} ORDER BY __row`,
        historySql: found ? `SELECT * FROM ${spill.one('history', place)}` : `SELECT * FROM (${history}) WHERE false`,
      })
    }
    await duck.run(`CREATE OR REPLACE TABLE ${into} AS SELECT * FROM ${staged} ORDER BY __row; DROP TABLE ${staged}`)
  }
  await duck.run(`DROP TABLE ${keys}`)
}

/** Bytes of a row of history in memory: numbers and positions take 8, texts and the rest far more. */
const bytesOfKind = (type: TypeData): number => (['integer', 'float', 'decimal', 'timestamp', 'date', 'boolean'].includes(type.kind) ? 9 : 64)

/** Shares of the memory limit that one partition's history and moments may take; the rest is DuckDB's, and the runtime's. */
const historyShare = 0.25
const momentShare = 0.1

async function partitionCount(duck: Duck, use: GroupUse, scan: Scan, moments: MomentTable, { memoryLimit }: EvaluateOptions): Promise<number> {
  if (memoryLimit === null) return 1
  const { plan } = use
  const momentBytes = moments.count * (40 + plan.features.reduce((bytes, { type }) => bytes + bytesOfKind(type), 0))
  const forMoments = Math.max(1, Math.ceil(momentBytes / (memoryLimit * momentShare)))
  return plan.kind === 'table' ? forMoments : Math.max(forMoments, await historyPartitions(duck, plan, scan, memoryLimit))
}

/** Into how many partitions a history has to be dealt, so that the events of one stay within their share of the memory limit. */
export async function historyPartitions(duck: Duck, plan: EventGroupPlan, scan: Scan, memoryLimit: number | null): Promise<number> {
  if (memoryLimit === null) return 1
  const [row] = await duck.rows(`SELECT count(*)::DOUBLE AS count FROM (${scan.sql})`)
  // Series with a filter copy the values that pass it.
  const copies = plan.series.reduce((bytes, { value, filter }) => bytes + 8 + (filter !== null || value?.type.nullable ? 9 : 0), 0)
  const rowBytes = 12 + copies + columnsToRead(plan).reduce((bytes, name) => bytes + bytesOfKind(plan.group.source.columns[name] as TypeData), 0)
  return Math.max(1, Math.ceil(((row?.['count'] as number) * rowBytes) / (memoryLimit * historyShare)))
}
