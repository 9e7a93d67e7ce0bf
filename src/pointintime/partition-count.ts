import { type Duck, quoteIdentifier, type Scan } from '../offline/index.ts'
import type { EventGroupPlan, GroupUse } from '../plan/index.ts'
import { isFloat64Kind, type TypeData } from '../schema/index.ts'
import { columnsToRead } from './event-history.ts'
import { historyColumns } from './group-values.ts'
import { memoryBudget } from './memory-budget.ts'

export interface PartitionOptions {
  readonly asKnown: boolean
  readonly memoryLimit: number | null
  readonly workers: number
}

/** Small work is not worth files and threads. */
const worthPartitions = 1_000_000

/** Rows that are looked at to learn how long texts are. */
const sampled = 10_000

/** Into how many partitions keys are dealt, so that the history and the moments of one keep within the memory limit. */
export async function partitionCount(
  duck: Duck,
  use: GroupUse,
  scan: Scan,
  moments: number,
  { asKnown, memoryLimit, workers }: PartitionOptions,
): Promise<number> {
  if (memoryLimit === null) return workers === 1 || (await historyRows(duck, scan)) < worthPartitions ? 1 : workers
  const { plan } = use
  const kept = plan.kind === 'table' ? await columnBytes(duck, scan, plan.group.source.columns, historyColumns(use)) : 0
  const momentBytes = 40 + kept + plan.features.reduce((bytes, { type }) => bytes + cellBytes(type, typicalLength), 0)
  const forMoments = Math.ceil((moments * momentBytes) / memoryBudget(memoryLimit, workers).moments)
  const forHistory = plan.kind === 'table' ? 1 : await historyPartitions(duck, plan, scan, { asKnown, memoryLimit, workers })
  return Math.max(forMoments, forHistory, workers)
}

/** The same for the history alone. */
async function historyPartitions(
  duck: Duck,
  plan: EventGroupPlan,
  scan: Scan,
  { asKnown, memoryLimit, workers }: PartitionOptions,
): Promise<number> {
  if (memoryLimit === null) return 1
  // Series with a filter copy the values that pass it.
  const copies = plan.series.reduce((bytes, { value, filter }) => bytes + 8 + (filter !== null || value?.type.nullable ? 9 : 0), 0)
  const rowBytes = 20 + copies + (await columnBytes(duck, scan, plan.group.source.columns, columnsToRead(plan)))
  // As known, rows have two moments more, and those of corrected keys stand in blocks of their own.
  const bytes = (await historyRows(duck, scan)) * (asKnown ? 2 * rowBytes + 32 : rowBytes)
  return Math.max(1, Math.ceil(bytes / memoryBudget(memoryLimit, workers).history))
}

/** Characters of a text that is yet to be computed. */
const typicalLength = 12

/** A number lies in an array, anything else is an object of its own. */
const cellBytes = ({ kind }: TypeData, length: number): number => (isFloat64Kind(kind) ? 9 : 40 + 2 * length)

/** Bytes that a row of these columns takes in memory, by the lengths of the first rows. */
async function columnBytes(duck: Duck, scan: Scan, types: Readonly<Record<string, TypeData>>, names: readonly string[]): Promise<number> {
  const objects = names.filter((name) => !isFloat64Kind((types[name] as TypeData).kind))
  const lengths = objects.map((name) => `coalesce(avg(strlen(CAST(${quoteIdentifier(name)} AS VARCHAR))), 0) AS ${quoteIdentifier(name)}`)
  const [row] =
    objects.length === 0 ? [] : await duck.rows(`SELECT ${lengths.join(', ')} FROM (SELECT * FROM (${scan.sql}) LIMIT ${sampled})`)
  return names.reduce((bytes, name) => bytes + cellBytes(types[name] as TypeData, (row?.[name] as number | undefined) ?? 0), 0)
}

async function historyRows(duck: Duck, scan: Scan): Promise<number> {
  const [row] = await duck.rows(`SELECT count(*)::DOUBLE AS count FROM (${scan.sql})`)
  return row?.count as number
}
