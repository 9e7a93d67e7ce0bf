import fc from 'fast-check'
import { type Columns, events, type Source, table } from '../../src/definition/index.ts'
import { type Cell, type ColumnType, type TypeData, t } from '../../src/schema/index.ts'
import type { OracleRow } from '../../src/testing/index.ts'
import { arbitraryCell, arbitraryText } from './arbitrary-cell.ts'

/** Where the times of a case lie: at whole units from the start, or a microsecond beside them. */
export interface TimeScale {
  readonly start: number
  readonly unit: number
}

export interface RandomSource {
  readonly source: Source<Columns>
  /** The columns of the entity key. */
  readonly keys: readonly string[]
  readonly scale: TimeScale
  /** Whether whole numbers reach their ends, where sums and arithmetic raise `NUMBER_OUT_OF_RANGE`. */
  readonly hasExtremes: boolean
}

const dayMicros = 86_400_000_000

/** Value columns of every kind, by name. */
const valueColumns = {
  whole: t.integer(),
  small: t.integer().range(-1_000_000, 1_000_000),
  big: t.int64(),
  price: t.decimal(12, 2),
  fine: t.decimal(15, 9),
  real: t.float(),
  any_real: t.float().allowNaN(),
  text: t.string(),
  choice: t.oneOf('b', 'a', '', 'ä', '😀', '\u{ffff}'),
  flag: t.boolean(),
  moment: t.timestamp(),
  day: t.date(),
  numbers: t.list(t.integer()),
  texts: t.list(t.string().nullable()),
  vector: t.vector(2),
  struct: t.struct(),
} satisfies Columns

const keyColumns = {
  key_text: t.string(),
  key_choice: t.oneOf('a', 'b', 'c'),
  key_whole: t.integer(),
  key_big: t.int64(),
  key_flag: t.boolean(),
  key_day: t.date(),
  key_moment: t.timestamp(),
  key_price: t.decimal(6, 2),
} satisfies Columns

/** Few keys, so that each has many events; those of two columns are easily mistaken for one another. */
const keyCells: Readonly<Record<keyof typeof keyColumns, readonly Cell[]>> = {
  key_text: ['1', '11', '', '😀'],
  key_choice: ['a', 'b'],
  key_whole: [1, 11, 0, -Number.MAX_SAFE_INTEGER],
  key_big: [1n, 11n, 2n ** 53n + 1n, -(2n ** 63n)],
  key_flag: [true, false],
  key_day: [0, -1, 18_262],
  key_moment: [0, -1, 1_577_836_800_000_000],
  key_price: [0, 1, 100, -100],
}

const idColumns = {
  id_whole: t.integer(),
  id_text: t.string(),
  id_big: t.int64(),
} satisfies Columns

const idCells: Readonly<Record<keyof typeof idColumns, (index: number) => Cell>> = {
  id_whole: (index) => index - 3,
  id_text: (index) => ['', '10', '9', 'a', 'A', 'ä', '\u{ffff}', '😀'][index % 8] + 'x'.repeat(Math.floor(index / 8)),
  id_big: (index) => BigInt(index) * 2n ** 53n - 2n ** 55n,
}

/** Sources of events or tables; columns may be nullable, there may be an id, a known time, an order. */
export const randomSource: fc.Arbitrary<RandomSource> = fc
  .record({
    kind: fc.constantFrom('events' as const, 'events' as const, 'table' as const),
    isDated: fc.nat({ max: 7 }).map((one) => one === 7),
    unit: fc.constantFrom(1, 1000, 1_000_000, 3_600_000_000, dayMicros),
    start: fc.constantFrom(0, 1_577_836_800_000_000, -3 * dayMicros),
    keys: fc.subarray(Object.keys(keyColumns), { minLength: 1, maxLength: 2 }),
    ids: fc.oneof(fc.constant([]), fc.subarray(Object.keys(idColumns), { minLength: 1, maxLength: 2 })),
    known: fc.constantFrom(null, 'timestamp' as const, 'nullable' as const, 'date' as const),
    values: fc.subarray(Object.keys(valueColumns), { minLength: 4 }),
    nullable: fc.infiniteStream(fc.boolean()),
    order: fc.nat({ max: 2 }),
    hasExtremes: fc.constantFrom(true, false, false),
  })
  .map((shape) => {
    const values = shape.values.map((name): [string, ColumnType] => {
      const type: ColumnType = valueColumns[name as keyof typeof valueColumns]
      return [name, shape.nullable.next().value ? type.nullable() : type]
    })
    const columns: Columns = {
      ...pick(keyColumns, shape.keys),
      at: shape.isDated ? t.date() : t.timestamp(),
      ...Object.fromEntries(values),
      ...(shape.known === null
        ? {}
        : { known_at: { timestamp: t.timestamp(), nullable: t.timestamp().nullable(), date: t.date().nullable() }[shape.known] }),
      ...(shape.kind === 'events' ? pick(idColumns, shape.ids) : {}),
    }
    const known = shape.known === null ? {} : { known: 'known_at', created: 'known_at' }
    const options = { columns, time: 'at', ...known } as { columns: Columns; time: never; known?: never; created?: never }
    const source =
      shape.kind === 'events'
        ? events('random_events', { ...options, ...(shape.ids.length > 0 ? { id: shape.ids } : {}) })
        : table('random_table', { ...options, order: orderable(shape.values).slice(0, shape.order) })
    const unit = shape.isDated ? dayMicros : shape.unit
    return { source: source as Source<Columns>, keys: shape.keys, scale: { start: shape.start, unit }, hasExtremes: shape.hasExtremes }
  })

const pick = (columns: Columns, names: readonly string[]): Columns =>
  Object.fromEntries(names.map((name) => [name, columns[name] as ColumnType]))
const orderable = (names: readonly string[]) => names.filter((name) => !['numbers', 'texts', 'vector', 'struct'].includes(name))

/** Rows in order of arrival, which is not the order of time: ties, copies, corrections that may move time and key, nulls. */
export function randomRows({ source, keys, scale, hasExtremes }: RandomSource): fc.Arbitrary<readonly OracleRow[]> {
  const cell = (name: string, type: TypeData): fc.Arbitrary<Cell> => {
    if (keys.includes(name)) return fc.constantFrom(...keyCells[name as keyof typeof keyCells])
    if (source.id.includes(name)) return fc.nat({ max: 15 }).map(idCells[name as keyof typeof idCells])
    if (name === source.time || name === source.known) return orNull(type, time(type, scale))
    return orNull(type, value(type, hasExtremes))
  }
  const row = fc.record(Object.fromEntries(Object.entries(source.columns).map(([name, type]) => [name, cell(name, type)])), {
    noNullPrototype: true,
  })
  const copies = fc.array(fc.tuple(fc.nat(), fc.nat()), { maxLength: 4 })
  return fc.tuple(fc.array(row, { maxLength: 30, size: 'max' }), copies).map(([rows, copied]) => {
    const all = [...rows]
    for (const [from, to] of copied) if (rows.length > 0) all.splice(to % (all.length + 1), 0, rows[from % rows.length] as OracleRow)
    return all
  })
}

const orNull = (type: TypeData, cell: fc.Arbitrary<Cell>) =>
  type.nullable ? fc.oneof({ weight: 1, arbitrary: fc.constant(null) }, { weight: 4, arbitrary: cell }) : cell

/** Times close together, many of them equal. */
function time(type: TypeData, { start, unit }: TimeScale): fc.Arbitrary<Cell> {
  const steps = fc.integer({ min: 0, max: 20 })
  if (type.kind === 'date') return steps.map((step) => Math.floor((start + step * unit) / dayMicros))
  const beside = fc.constantFrom(0, 0, 0, 0, 1, -1)
  return fc.tuple(steps, beside).map(([step, aside]) => start + step * unit + aside)
}

/** Values of which many are equal. */
function value(type: TypeData, hasExtremes: boolean): fc.Arbitrary<Cell> {
  switch (type.kind) {
    case 'integer':
    case 'decimal':
      return hasExtremes && type.maximum === undefined
        ? arbitraryCell({ ...type, nullable: false })
        : fc.integer({ min: -5, max: 5 }).chain((small) => fc.constantFrom(small, small * 1000))
    case 'int64':
      return hasExtremes
        ? arbitraryCell({ ...type, nullable: false })
        : fc.bigInt({ min: -5n, max: 5n }).map((small) => small * 2n ** 54n + small)
    case 'float':
      return fc.oneof(
        fc.constantFrom(0, 1, -1, 0.1, 0.2, 0.3, 2.5),
        fc.constantFrom(1e308, -1e308, 5e-324, -5e-324, Number.MAX_VALUE, 2 ** 53 + 2, 1e16),
        arbitraryCell({ ...type, nullable: false }),
      )
    case 'string':
      return fc.oneof(fc.constantFrom('', 'a', 'b', ' a ', '10', '9', '__proto__', '\u{ffff}', '😀', '\'"\\'), arbitraryText)
    case 'timestamp':
      return fc.oneof(fc.constantFrom(0, -1, 1_577_836_800_000_000), arbitraryCell({ ...type, nullable: false }))
    default:
      return arbitraryCell({ ...type, nullable: false })
  }
}
