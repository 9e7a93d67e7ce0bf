import { effectiveMoment } from '../definition/index.ts'
import type { ByteWriter } from '../lib/bytes.ts'
import { type Batch, type BatchColumn, cellAt, type Duck, quoteIdentifier, type Scan, transportSql } from '../offline/index.ts'
import type { OnlineRow } from '../online/index.ts'
import { type GroupUse, type StoredRow, type TableGroupPlan, TableStateCodec } from '../plan/index.ts'
import { historyColumns, historySql, type Interrupt } from '../pointintime/index.ts'
import {
  type Cell,
  type CellComparator,
  type CellEncoder,
  cellComparator,
  keyEncoder,
  orderEncoder,
  type TypeData,
} from '../schema/index.ts'
import { findKeys } from './history-keys.ts'
import { PackedRows } from './packed-rows.ts'

const number: TypeData = { kind: 'float', nullable: false }
const numberOrNull: TypeData = { kind: 'float', nullable: true }

/**
 * For each key the row that is valid when reads begin, and those that become valid later; rows come from DuckDB sorted by key and time,
 * so that one key is held at a time. The version is the order of the newest row, so that an older load never wins.
 */
export async function* tableStates(
  duck: Duck,
  plan: TableGroupPlan,
  use: GroupUse,
  scan: Scan,
  upto: number,
  interrupt: Interrupt,
): AsyncGenerator<OnlineRow[]> {
  // A scheduled group is asked as of ticks, the first of them before `upto`.
  const first = effectiveMoment(plan.group.refresh, upto)
  const keys = await findKeys(duck, use, scan, upto, first + 1, 1)
  const packer = new TableStatePacker(plan, use, first)
  const { keyTypes, names, types } = packer
  const keyNames = keyTypes.map((type, index) => `${transportSql(type, `k.key_${index}`)} AS __key_${index}`)
  const history = historySql(
    use,
    scan,
    `SELECT * FROM ${keys.table}`,
    { asKnown: false, first, last: Number.MAX_SAFE_INTEGER },
    `, k.__last, ${keyNames.join(', ')}`,
  )
  const selected = ['__k', '__time', '__known', ...keyTypes.map((_, index) => `__key_${index}`), ...names.map(quoteIdentifier)].join(', ')
  const sql = `SELECT ${selected} FROM (${history}) WHERE __last IS NULL OR __time >= __last ORDER BY __k, __time`
  interrupt.stage(`writing ${plan.group.name}`, keys.counts[0] ?? 0)
  for await (const batch of duck.stream(sql, [number, number, numberOrNull, ...keyTypes, ...types])) {
    packer.add(batch)
    if (packer.rows.full) yield packer.rows.take()
  }
  packer.finish()
  yield packer.rows.take()
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
  /** The key that is being read, its place, and its rows so far. */
  #key: readonly Cell[] = []
  #place = -1
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

  /** Takes rows in order of key and time: the place of the key, the moments, the cells of the key, those of `names`. */
  add({ columns, count }: Batch): void {
    const [places, times, knowns] = columns as [BatchColumn, BatchColumn, BatchColumn]
    const keyColumns = columns.slice(3, 3 + this.keyTypes.length)
    const cellColumns = columns.slice(3 + this.keyTypes.length)
    for (let row = 0; row < count; row++) {
      const place = places.values[row] as number
      if (place !== this.#place) {
        this.finish()
        this.#place = place
        this.#key = cellsAt(this.keyTypes, keyColumns, row)
      }
      const known = cellAt(numberOrNull, knowns, row) as number | null
      this.#read.push({ time: times.values[row] as number, known, cells: cellsAt(this.types, cellColumns, row) })
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

function cellsAt(types: readonly TypeData[], columns: readonly BatchColumn[], row: number): Cell[] {
  const cells: Cell[] = []
  for (let index = 0; index < types.length; index++) cells.push(cellAt(types[index] as TypeData, columns[index] as BatchColumn, row))
  return cells
}

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
