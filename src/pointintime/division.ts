import { type Duck, quoteIdentifier, type Scan } from '../offline/index.ts'
import type { EventGroupPlan, GroupUse } from '../plan/index.ts'
import { isFloat64Kind, type TypeData } from '../schema/index.ts'
import { historyColumns } from './group-values.ts'
import { memoryBudget } from './memory-budget.ts'

export interface PartitionOptions {
  readonly asKnown: boolean
  readonly memoryLimit: number | null
  readonly workers: number
}

/** How the work on a group is cut so that each part of it keeps within the memory limit. */
export interface Division {
  /** Into so many partitions keys are dealt: the history and the moments of one lie in memory together. */
  readonly partitions: number
  /** About how many bytes a row of history, and a moment with its values, take in the engine; 0 where it has no limit. */
  readonly historyRow: number
  readonly valueRow: number
}

/** Small work is not worth files and threads. */
const worthPartitions = 1_000_000

/** Rows that are looked at to learn how long texts are. */
const sampled = 10_000

/** Without a memory limit the work is whole, unless workers share it. */
export async function divide(
  duck: Duck,
  use: GroupUse,
  scan: Scan,
  moments: number,
  { asKnown, memoryLimit, workers }: PartitionOptions,
): Promise<Division> {
  if (memoryLimit === null) {
    const shared = workers > 1 && (await historyRows(duck, scan)) >= worthPartitions
    return { partitions: shared ? workers : 1, historyRow: 0, valueRow: 0 }
  }
  const { plan } = use
  const lengths = await columnLengths(duck, scan, plan.group.source.columns, historyColumns(use))
  const features = plan.features.map(({ type }) => ({ type, length: typicalLength }))
  const rowBytes = total(cellBytes, lengths)
  const rows = await historyRows(duck, scan)
  const budget = memoryBudget(memoryLimit, workers)
  const momentBytes = 40 + total(cellBytes, features) + (plan.kind === 'table' ? rowBytes : 0)
  const forMoments = Math.ceil((moments * momentBytes) / budget.moments)
  const forHistory = plan.kind === 'table' ? 1 : Math.ceil((rows * eventBytes(plan, rowBytes, asKnown)) / budget.history)
  return {
    partitions: Math.max(1, workers, forMoments, forHistory),
    historyRow: 40 + total(engineBytes, lengths),
    valueRow: 8 + total(engineBytes, features),
  }
}

/** Bytes of an event whose columns take `rowBytes`, once they are bound to a plan. */
function eventBytes({ series }: EventGroupPlan, rowBytes: number, asKnown: boolean): number {
  // Series with a filter copy the values that pass it.
  const copies = series.reduce((bytes, { value, filter }) => bytes + 8 + (filter !== null || value?.type.nullable ? 9 : 0), 0)
  // As known, rows have two moments more, and those of corrected keys stand in blocks of their own.
  return asKnown ? 2 * (20 + copies + rowBytes) + 32 : 20 + copies + rowBytes
}

/** A column and how many characters its cells have as text; of numbers it does not matter. */
interface ColumnLength {
  readonly type: TypeData
  readonly length: number
}

/** Characters of a text that is yet to be computed. */
const typicalLength = 12

/** A number lies in an array, anything else is an object of its own. */
const cellBytes = ({ type, length }: ColumnLength): number => (isFloat64Kind(type.kind) ? 9 : 40 + 2 * length)

const engineBytes = ({ type, length }: ColumnLength): number => (isFloat64Kind(type.kind) ? 8 : 16 + length)

const total = (bytes: (column: ColumnLength) => number, columns: readonly ColumnLength[]): number =>
  columns.reduce((sum, column) => sum + bytes(column), 0)

/** The columns with the lengths that their first rows have. */
async function columnLengths(
  duck: Duck,
  scan: Scan,
  types: Readonly<Record<string, TypeData>>,
  names: readonly string[],
): Promise<readonly ColumnLength[]> {
  const objects = names.filter((name) => !isFloat64Kind((types[name] as TypeData).kind))
  const lengths = objects.map((name) => `coalesce(avg(strlen(CAST(${quoteIdentifier(name)} AS VARCHAR))), 0) AS ${quoteIdentifier(name)}`)
  const [row] =
    objects.length === 0 ? [] : await duck.rows(`SELECT ${lengths.join(', ')} FROM (SELECT * FROM (${scan.sql}) LIMIT ${sampled})`)
  return names.map((name) => ({ type: types[name] as TypeData, length: (row?.[name] as number | undefined) ?? 0 }))
}

async function historyRows(duck: Duck, scan: Scan): Promise<number> {
  const [row] = await duck.rows(`SELECT count(*)::DOUBLE AS count FROM (${scan.sql})`)
  return row?.count as number
}
