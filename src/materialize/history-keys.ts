import { type BatchColumn, cellAt, type Duck, quoteIdentifier, type Scan, transportSql } from '../offline/index.ts'
import type { GroupUse } from '../plan/index.ts'
import type { Cell, TypeData } from '../schema/index.ts'

/**
 * The keys of a group's history, dealt into partitions, in a table of the engine: `key_i`, `__part`, dense `__k` in each, in
 * the order of the keys (a store is filled several times as fast from end to end), and what `KeyFacts` tells.
 */
export interface HistoryKeys {
  readonly table: string
  /** How many there are in each partition. */
  readonly counts: readonly number[]
}

export interface KeyFacts {
  readonly cells: readonly Cell[]
  /** Its events before the end that was asked for. */
  readonly count: number
  /** The moment of the last of them before `before`, in microseconds; null where there is none. */
  readonly last: number | null
}

/** Finds every key that has events before `upto` (microseconds); those whose key is null belong to no key. */
export async function findKeys(
  duck: Duck,
  use: GroupUse,
  scan: Scan,
  upto: number,
  before: number,
  partitions: number,
): Promise<HistoryKeys> {
  const { group } = use.plan
  const table = duck.uniqueName('keys')
  const columns = use.keys.map(({ key }, index) => `s.${quoteIdentifier(group.keys[key] as string)} AS key_${index}`)
  const names = use.keys.map((_, index) => `key_${index}`)
  const time = `epoch_us(s.${quoteIdentifier(group.source.time)}::TIMESTAMP)::DOUBLE`
  const part = partitions === 1 ? '0' : `(hash(${names.join(', ')}) % ${partitions})::INTEGER`
  const conditions = [`__time < ${upto}`, ...names.map((name) => `${name} IS NOT NULL`)]
  const last = Number.isFinite(before) ? `max(__time) FILTER (WHERE __time < ${before})` : 'NULL::DOUBLE'
  await duck.run(
    `CREATE OR REPLACE TABLE ${table} AS SELECT *, (row_number() OVER (PARTITION BY __part ORDER BY ${names.join(', ')})) - 1 AS __k FROM (
      SELECT ${names.join(', ')}, ${part} AS __part, count(*)::DOUBLE AS __count, ${last} AS __last
      FROM (SELECT ${columns.join(', ')}, ${time} AS __time FROM (${scan.sql}) s) WHERE ${conditions.join(' AND ')}
      GROUP BY ${names.join(', ')})`,
  )
  const rows = await duck.rows(`SELECT __part::INTEGER AS part, count(*)::DOUBLE AS count FROM ${table} GROUP BY ALL`)
  const counts = new Array<number>(partitions).fill(0)
  for (const { part: place, count } of rows) counts[place as number] = count as number
  return { table, counts }
}

/** The keys of one partition, in order of `__k`, some at a time. */
export async function* readKeys(duck: Duck, use: GroupUse, { table }: HistoryKeys, partition: number): AsyncGenerator<KeyFacts[]> {
  const number: TypeData = { kind: 'float', nullable: true }
  const types = use.keys.map(({ type }) => type)
  const keys = types.map((type, index) => transportSql(type, `key_${index}`)).join(', ')
  for await (const batch of duck.stream(`SELECT ${keys}, __count, __last FROM ${table} WHERE __part = ${partition} ORDER BY __k`, [
    ...types,
    number,
    number,
  ])) {
    const columns = batch.columns as readonly BatchColumn[]
    const [counts, lasts] = columns.slice(types.length) as [BatchColumn, BatchColumn]
    yield Array.from({ length: batch.count }, (_, row) => ({
      cells: types.map((type, index) => cellAt(type, columns[index] as BatchColumn, row)),
      count: counts.values[row] as number,
      last: cellAt(number, lasts, row) as number | null,
    }))
  }
}
