import { effectiveMoment } from '../definition/index.ts'
import type { ByteWriter } from '../lib/bytes.ts'
import { type Batch, type BatchColumn, cellAt, type Duck, quoteIdentifier, type Scan, transportSql } from '../offline/index.ts'
import type { OnlineRow } from '../online/index.ts'
import { cellReader, type GroupUse, type StoredRow, type TableGroupPlan, TableStateCodec } from '../plan/index.ts'
import { historyColumns } from '../pointintime/index.ts'
import {
  type Cell,
  type CellComparator,
  type CellEncoder,
  cellComparator,
  keyEncoder,
  orderEncoder,
  type TypeData,
} from '../schema/index.ts'
import { PackedRows } from './packed-rows.ts'

const number: TypeData = { kind: 'float', nullable: false }
const numberOrNull: TypeData = { kind: 'float', nullable: true }

/**
 * For each key the row that is valid when reads begin, and those that become valid later; rows come from DuckDB sorted by key and time,
 * so that one key is held at a time. The version is the order of the newest row, so that an older load never wins.
 */
export async function* tableStates(duck: Duck, plan: TableGroupPlan, use: GroupUse, scan: Scan, upto: number): AsyncGenerator<OnlineRow[]> {
  // A scheduled group is asked as of ticks, the first of them before `upto`.
  const first = effectiveMoment(plan.group.refresh, upto)
  const packer = new TableStatePacker(plan, use, first)
  const { keyTypes, names, types } = packer
  for await (const batch of duck.stream(rowsSql(plan, use, scan, names, first), [number, numberOrNull, ...keyTypes, ...types])) {
    packer.add(batch)
    if (packer.rows.full) yield packer.rows.take()
  }
  packer.finish()
  yield packer.rows.take()
}

/**
 * SELECT of time, creation, keys and the named columns of the rows that count from `first` on, in order of key and time. Rows are
 * looked up only where a key has several: in most tables few have.
 */
function rowsSql({ group }: TableGroupPlan, { keys }: GroupUse, scan: Scan, names: readonly string[], first: number): string {
  const { source } = group
  const moment = (column: string) => `epoch_us(${quoteIdentifier(column)}::TIMESTAMP)::DOUBLE`
  const keyColumns = keys.map(({ key }) => quoteIdentifier(group.keys[key] as string))
  const time = quoteIdentifier(source.time)
  const selected = [
    moment(source.time),
    source.known === null ? 'NULL::DOUBLE' : moment(source.known),
    ...keys.map(({ type }, index) => transportSql(type, keyColumns[index] as string)),
    ...names.map((name) => transportSql(source.columns[name] as TypeData, quoteIdentifier(name))),
  ]
  const repeated = `SELECT ${keyColumns.map((column, index) => `${column} AS __repeated_${index}`).join(', ')}, max(${time}) FILTER (WHERE ${time} <= make_timestamp(${first}::BIGINT)) AS __from
    FROM (${scan.sql}) GROUP BY ${keyColumns.join(', ')} HAVING count(*) > 1`
  const join = keyColumns.map((column, index) => `${column} = __repeated_${index}`).join(' AND ')
  const present = keyColumns.map((column) => `${column} IS NOT NULL`).join(' AND ')
  // Sorted as they are stored, which takes less than their transport form does.
  return `SELECT ${selected.join(', ')} FROM (SELECT * FROM (${scan.sql}) LEFT JOIN (${repeated}) ON ${join}
    WHERE ${present} AND (__from IS NULL OR ${time} >= __from) ORDER BY ${[...keyColumns, time].join(', ')})`
}

/** A row of the table as read: its moments, and its cells, first those that features use. */
interface ReadRow extends StoredRow {
  readonly known: number | null
}

class TableStatePacker {
  readonly rows = new PackedRows()
  readonly keyTypes: readonly TypeData[]
  /** The columns to read, first those that features use. */
  readonly names: readonly string[]
  readonly types: readonly TypeData[]
  readonly #first: number
  readonly #order: RowOrder
  readonly #codec: TableStateCodec
  readonly #encodeKey: ReturnType<typeof keyEncoder>
  readonly #writtenAt = Date.now() * 1000
  /** The key that is being read, and its rows so far. */
  #key: readonly Cell[] = []
  #read: ReadRow[] = []

  constructor(plan: TableGroupPlan, use: GroupUse, first: number) {
    this.keyTypes = use.keys.map(({ type }) => type)
    this.names = [...new Set([...plan.columns, ...historyColumns(use)])]
    this.types = this.names.map((name) => plan.group.source.columns[name] as TypeData)
    this.#first = first
    this.#order = new RowOrder(plan, this.names)
    this.#codec = new TableStateCodec(plan)
    this.#encodeKey = keyEncoder(this.keyTypes)
  }

  /** Takes rows in order of key and time: the moments, the cells of the key, those of `names`. */
  add({ columns, count }: Batch): void {
    const [times, knowns] = columns as [BatchColumn, BatchColumn]
    const keys = cellReaders(this.keyTypes, columns.slice(2))
    const cells = cellReaders(this.types, columns.slice(2 + this.keyTypes.length))
    for (let row = 0; row < count; row++) {
      if (this.#read.length === 0 || keys.some((read, index) => read(row) !== this.#key[index])) {
        this.finish()
        this.#key = keys.map((read) => read(row))
      }
      const known = cellAt(numberOrNull, knowns, row) as number | null
      this.#read.push({ time: times.values[row] as number, known, cells: cells.map((read) => read(row)) })
    }
  }

  /** Packs the key that is being read. */
  finish(): void {
    if (this.#read.length === 0) return
    const rows = this.#read.length === 1 ? this.#read : this.#order.newestOfEachTime(this.#read)
    const { writer } = this.rows
    this.#encodeKey(this.#key, writer)
    this.rows.end()
    this.#order.encodeVersion(rows.at(-1) as ReadRow, this.#writtenAt, writer)
    this.rows.end()
    this.#codec.encode({ earlier: (rows[0] as ReadRow).time <= this.#first, rows }, writer)
    this.rows.end()
    this.#read = []
  }
}

const cellReaders = (types: readonly TypeData[], columns: readonly BatchColumn[]): ((row: number) => Cell)[] =>
  types.map((type, index) => cellReader(type, columns[index] as BatchColumn))

/** Decides between rows of one time: creation, then the declared columns, then the rest of the row; the larger wins. */
class RowOrder {
  readonly #columns: readonly { readonly place: number; readonly compare: CellComparator; readonly encode: CellEncoder }[]

  constructor(plan: TableGroupPlan, names: readonly string[]) {
    this.#columns = plan.orderColumns.map((name) => {
      const type = plan.group.source.columns[name] as TypeData
      return { place: names.indexOf(name), compare: cellComparator(type), encode: orderEncoder(type) }
    })
  }

  newestOfEachTime(rows: readonly ReadRow[]): ReadRow[] {
    const sorted = rows.toSorted((a, b) => a.time - b.time || this.#compare(a, b))
    return sorted.filter(({ time }, index) => time !== sorted[index + 1]?.time)
  }

  #compare(a: ReadRow, b: ReadRow): number {
    if (a.known !== b.known) return (a.known ?? Number.NEGATIVE_INFINITY) - (b.known ?? Number.NEGATIVE_INFINITY)
    for (const { place, compare } of this.#columns) {
      const order = compare(a.cells[place] as Cell, b.cells[place] as Cell)
      if (order !== 0) return order
    }
    return 0
  }

  /** Order-preserving bytes of the row's place in that order, then of the moment of writing, so that a later load of equal rows wins. */
  encodeVersion(row: ReadRow, writtenAt: number, writer: ByteWriter): void {
    encodeMoment(row.time, writer)
    encodeMomentOrNull(row.known, writer)
    for (const { place, encode } of this.#columns) encode(row.cells[place] as Cell, writer)
    encodeMoment(writtenAt, writer)
  }
}

const encodeMoment = orderEncoder(number)
const encodeMomentOrNull = orderEncoder(numberOrNull)
