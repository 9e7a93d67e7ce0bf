import type { TestContext } from 'node:test'
import { type Batch, cellAt, columnOf, type Interval, type IntervalValues, type OfflineStore, type StoredGroup } from '../offline/index.ts'
import { type Cell, type TypeData, t } from '../schema/index.ts'

/** One empty store, made for one test. */
export interface OfflineStoreUnderTest {
  readonly store: OfflineStore
  /** Opens the same values again after `store` was closed; for a durable store. */
  readonly reopen?: () => Promise<OfflineStore>
  /** How another process opens the same values, for a store that is shared by processes: it calls `factory` of `module` with `options`. */
  readonly elsewhere?: { readonly module: string; readonly factory: string; readonly options: unknown }
  /** Damages what is stored of a group, in every way that the store should notice, one after another; where it can be damaged. */
  readonly damages?: (target: StoredGroup) => readonly (() => Promise<void>)[]
  /** Removes what the test has left; `store` is closed by then. */
  cleanup(): Promise<void>
}

export type Case = (under: OfflineStoreUnderTest, context: TestContext) => Promise<void>

export const target: StoredGroup = { group: 'user_orders', version: 1 }
export const day = 86_400_000_000
/** 2026-01-05T00:00:00Z. */
export const monday = 1_767_571_200_000_000

/** Columns of every kind, the keys first. */
export const columns: Readonly<Record<string, TypeData>> = {
  user_id: t.string().data,
  as_of: t.timestamp().data,
  orders: t.integer().nullable().data,
  big: t.int64().nullable().data,
  ratio: t.float().allowNaN().nullable().data,
  spent: { kind: 'decimal', nullable: true, precision: 18, scale: 2 },
  active: t.boolean().nullable().data,
  since: t.date().nullable().data,
  tier: t.oneOf('gold', 'silver').nullable().data,
  last: t.list(t.string().nullable()).nullable().data,
  embedding: t.vector(2).nullable().data,
  extra: t.struct().nullable().data,
}

export type StoredRow = readonly Cell[]

/** A row of every kind of value, or, where `seed` is a multiple of 7, of nulls. */
export function row(user: string, moment: number, seed: number): StoredRow {
  if (seed % 7 === 0) return [user, moment, ...new Array<null>(10).fill(null)]
  const vector = Float32Array.of(seed, seed / 3)
  return [
    user,
    moment,
    seed,
    BigInt(seed % 8000) * 2n ** 50n,
    seed % 11 === 0 ? Number.NaN : seed / 7,
    seed * 1_000_003,
    seed % 2 === 0,
    seed % 30_000,
    seed % 3 === 0 ? 'gold' : 'silver',
    [`item ${seed}`, null, 'é\u{1F600}'],
    vector,
    `{"a":${seed},"b":[null,"x"]}`,
  ]
}

export const rowsOf = (moment: number, count: number, seed = 1): StoredRow[] =>
  Array.from({ length: count }, (_, at) => row(`user ${String(at).padStart(6, '0')}`, moment, seed + at))

export function batchOf(rows: readonly StoredRow[], types: readonly TypeData[] = Object.values(columns)): Batch {
  return {
    count: rows.length,
    columns: types.map((type, index) =>
      columnOf(
        type,
        rows.map((cells) => cells[index] as Cell),
      ),
    ),
  }
}

/** Values of an interval, in batches of a few rows. */
export function values(
  interval: Interval,
  rows: readonly StoredRow[],
  more: Partial<IntervalValues> = {},
  batchRows = 1000,
): IntervalValues {
  const batches = Array.from({ length: Math.ceil(rows.length / batchRows) }, (_, at) =>
    batchOf(rows.slice(at * batchRows, (at + 1) * batchRows)),
  )
  return { ...interval, definitionHash: 'definition 1', columns, moment: 'as_of', rows: batches, ...more }
}

export const dayInterval = (number: number, days = 1): Interval => ({ from: monday + number * day, to: monday + (number + days) * day })

export async function rowsFrom(batches: AsyncIterable<Batch>, types: readonly TypeData[] = Object.values(columns)): Promise<StoredRow[]> {
  const rows: StoredRow[] = []
  for await (const batch of batches) {
    for (let at = 0; at < batch.count; at++)
      rows.push(types.map((type, index) => cellAt(type, batch.columns[index] as Batch['columns'][number], at)))
  }
  return rows
}
