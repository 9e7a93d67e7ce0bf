import { formatDate, formatMoment } from '../lib/moment.ts'
import { type Duck, physicalType, quoteIdentifier } from '../offline/index.ts'
import type { ValueStatistics } from '../registry/index.ts'
import type { TypeData } from '../schema/index.ts'

/** Shares of the values below each quantile that is told. */
const shares = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99]
const bins = 20
/** Frequent values that are told, and how much of a long one. */
const mostTop = 10
const longest = 200
/** Beyond so many rows quantiles come from a sample of them, and distinct values are counted by a sketch. */
const exactRows = 1_000_000

/**
 * What the values of columns of a relation of the engine are like. All rows count; of more than a million, quantiles are those of a
 * sample of a million and the number of distinct values is one of a HyperLogLog sketch.
 */
export async function valueStatistics(
  duck: Duck,
  relation: string,
  columns: Readonly<Record<string, TypeData>>,
): Promise<Map<string, ValueStatistics>> {
  const [row] = await duck.rows(`SELECT count(*)::DOUBLE AS rows FROM ${relation}`)
  const rows = row?.rows as number
  const found = new Map<string, ValueStatistics>()
  for (const [name, type] of Object.entries(columns)) {
    const values = `SELECT ${quoteIdentifier(name)}::${physicalType(type)} AS value FROM ${relation}`
    found.set(name, await (isNumber(type) ? ofNumbers : ofOthers)(duck, values, type, rows))
  }
  return found
}

const isNumber = ({ kind }: TypeData): boolean => kind === 'integer' || kind === 'int64' || kind === 'float' || kind === 'decimal'

const distinctSql = (rows: number): string => (rows > exactRows ? 'approx_count_distinct(value)' : 'count(DISTINCT value)')

async function ofNumbers(duck: Duck, values: string, type: TypeData, rows: number): Promise<ValueStatistics> {
  const present = type.kind === 'float' ? `SELECT CASE WHEN isfinite(value) THEN value END AS value FROM (${values})` : values
  const sample = rows > exactRows ? `(${present}) USING SAMPLE reservoir(${exactRows} ROWS) REPEATABLE (1)` : `(${present})`
  const text = type.kind === 'int64' || type.kind === 'decimal'
  const bound = (sql: string) => (text ? `${sql}::VARCHAR` : `${sql}::DOUBLE`)
  const [all] = await duck.rows(`SELECT count(value)::DOUBLE AS present, (count(*) FILTER (value = 0))::DOUBLE AS zeros,
    ${distinctSql(rows)}::DOUBLE AS different, ${bound('min(value)')} AS minimum, ${bound('max(value)')} AS maximum,
    min(value)::DOUBLE AS low, max(value)::DOUBLE AS high FROM (${present})`)
  const { present: count, low, high } = all as { present: number; low: number | null; high: number | null }
  // Squares of very large numbers pass the range of doubles.
  const largest = Math.max(Math.abs(low ?? 0), Math.abs(high ?? 0))
  const scale = largest > 1e100 ? largest : 1
  const [moments] = await duck.rows(
    `SELECT favg(value::DOUBLE / '${scale}'::DOUBLE) AS mean, stddev_pop(value::DOUBLE / '${scale}'::DOUBLE) AS deviation FROM (${present})`,
  )
  const scaled = (moment: unknown) => (moment === null ? null : (moment as number) * scale)
  const [given] = await duck.rows(`SELECT count(value)::DOUBLE AS count FROM (${values})`)
  const [quantiles] = await duck.rows(`SELECT quantile_disc(value::DOUBLE, [${shares.join(', ')}]) AS all FROM ${sample}`)
  const list = (quantiles?.all ?? []) as readonly number[]
  return {
    count: rows,
    nulls: rows - (given?.count as number),
    zeros: all?.zeros as number,
    notNumbers: type.kind === 'float' ? (given?.count as number) - count : null,
    distinct: all?.different as number,
    minimum: all?.minimum as string | number | null,
    maximum: all?.maximum as string | number | null,
    mean: scaled(moments?.mean),
    deviation: scaled(moments?.deviation),
    quantiles: count === 0 ? null : Object.fromEntries(shares.map((share, place) => [share, list[place] as number])),
    histogram: low === null || high === null ? null : await histogramOf(duck, present, low, high),
    top: null,
  }
}

async function histogramOf(duck: Duck, values: string, from: number, to: number): Promise<ValueStatistics['histogram']> {
  // Halves, as the width of all that doubles can hold is none of them.
  const width = to / 2 - from / 2
  // Texts, as a number with a point would be a decimal first, which may be another double.
  const place = `least(${bins - 1}, floor((value::DOUBLE / 2 - '${from / 2}'::DOUBLE) / '${width}'::DOUBLE * ${bins}))`
  if (width === 0) {
    const [all] = await duck.rows(`SELECT count(value)::DOUBLE AS count FROM (${values})`)
    return { from, to, counts: [all?.count as number] }
  }
  const found = await duck.rows(
    `SELECT ${place}::INTEGER AS place, count(*)::DOUBLE AS count FROM (${values}) WHERE value IS NOT NULL GROUP BY 1`,
  )
  const counts = new Array<number>(bins).fill(0)
  for (const { place: at, count } of found) counts[at as number] = count as number
  return { from, to, counts }
}

async function ofOthers(duck: Duck, values: string, type: TypeData, rows: number): Promise<ValueStatistics> {
  const { kind } = type
  const isTime = kind === 'timestamp' || kind === 'date'
  const isOrdered = isTime || kind === 'string' || kind === 'oneOf'
  const number = kind === 'timestamp' ? 'epoch_us(value)::DOUBLE' : kind === 'date' ? "(value - DATE '1970-01-01')::DOUBLE" : 'value'
  const publicBound = (bound: unknown): string | null => {
    if (bound === null || bound === undefined) return null
    if (!isTime) return String(bound).slice(0, longest)
    return kind === 'date' ? formatDate(bound as number) : formatMoment(bound as number)
  }
  const bounds = isOrdered ? `, min(${number}) AS minimum, max(${number}) AS maximum` : ''
  const [all] = await duck.rows(
    `SELECT count(value)::DOUBLE AS present, ${distinctSql(rows)}::DOUBLE AS different${bounds} FROM (${values})`,
  )
  const shown = kind === 'list' || kind === 'vector' ? 'to_json(value)::VARCHAR' : isTime ? number : 'value::VARCHAR'
  const top = await duck.rows(`SELECT ${shown} AS shown, count(*)::DOUBLE AS count FROM (${values}) WHERE value IS NOT NULL
    GROUP BY shown ORDER BY count DESC, shown LIMIT ${mostTop}`)
  return {
    count: rows,
    nulls: rows - (all?.present as number),
    zeros: null,
    notNumbers: null,
    distinct: all?.different as number,
    minimum: publicBound(all?.minimum),
    maximum: publicBound(all?.maximum),
    mean: null,
    deviation: null,
    quantiles: null,
    histogram: null,
    top: top.map(({ shown: value, count }) => ({ value: publicBound(value) ?? '', count: count as number })),
  }
}
