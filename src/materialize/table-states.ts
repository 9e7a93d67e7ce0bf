import { effectiveMoment } from '../definition/index.ts'
import { ByteWriter } from '../lib/bytes.ts'
import { cellAt, type Duck, type Scan, transportSql } from '../offline/index.ts'
import type { OnlineRow } from '../online/index.ts'
import { type GroupUse, type StoredRow, type TableGroupPlan, TableStateCodec } from '../plan/index.ts'
import { historyColumns, historySql, type Interrupt } from '../pointintime/index.ts'
import { type Cell, type CellComparator, cellComparator, keyEncoder, orderEncoder, type TypeData } from '../schema/index.ts'
import { findKeys } from './history-keys.ts'

const number: TypeData = { kind: 'float', nullable: false }
const numberOrNull: TypeData = { kind: 'float', nullable: true }

/** A row of the table as read: its moments, and its cells by place in `historyColumns`. */
interface ReadRow {
  readonly time: number
  readonly known: number | null
  readonly cells: readonly Cell[]
}

/**
 * For each key the row that is valid when reads begin, and those that become valid later; rows come from DuckDB sorted by key and time,
 * so that one key is held at a time. The version is the order of the newest row, so that an older load never wins.
 */
export async function* tableStates(duck: Duck, plan: TableGroupPlan, use: GroupUse, scan: Scan, upto: number, interrupt: Interrupt): AsyncGenerator<OnlineRow> {
  const { source } = plan.group
  // A scheduled group is asked as of ticks, the first of them before `upto`.
  const first = effectiveMoment(plan.group.refresh, upto)
  const keys = await findKeys(duck, use, scan, upto, first + 1, 1)
  const names = historyColumns(use)
  const types = names.map((name) => source.columns[name] as TypeData)
  const keyTypes = use.keys.map(({ type }) => type)
  const keyNames = keyTypes.map((type, index) => `${transportSql(type, `k.key_${index}`)} AS __key_${index}`)
  const history = historySql(use, scan, `SELECT * FROM ${keys.table}`, { asKnown: false, first, last: Number.MAX_SAFE_INTEGER }, `, k.__last, ${keyNames.join(', ')}`)
  const selected = ['__k', '__time', '__known', ...keyTypes.map((_, index) => `__key_${index}`), ...names.map((name) => JSON.stringify(name))].join(', ')
  const sql = `SELECT ${selected} FROM (${history}) WHERE __last IS NULL OR __time >= __last ORDER BY __k, __time`
  const packKey = keyEncoder(keyTypes)
  const order = new RowOrder(plan, names)
  const codec = new TableStateCodec(plan)
  const used = plan.columns.map((name) => names.indexOf(name))
  const writtenAt = Date.now() * 1000

  const state = (key: readonly Cell[], read: ReadRow[]): OnlineRow => {
    read.sort((a, b) => a.time - b.time || order.compare(a, b))
    const newest = read.filter((row, index) => row.time !== read[index + 1]?.time)
    const rows: StoredRow[] = newest.map(({ time, cells }) => ({ time, cells: used.map((place) => cells[place] as Cell) }))
    const oldest = rows[0] as StoredRow
    return { key: packKey(key), version: order.version(newest.at(-1) as ReadRow, writtenAt), value: codec.encode({ earlier: oldest.time <= first, rows }) }
  }

  interrupt.stage(`writing ${plan.group.name}`, keys.counts[0] ?? 0)
  let current = -1
  let key: readonly Cell[] = []
  let read: ReadRow[] = []
  for await (const batch of duck.stream(sql, [number, number, numberOrNull, ...keyTypes, ...types])) {
    const column = (place: number) => batch.columns[place] as (typeof batch.columns)[number]
    for (let row = 0; row < batch.count; row++) {
      const place = column(0).values[row] as number
      if (place !== current) {
        if (read.length > 0) yield state(key, read)
        current = place
        read = []
        key = keyTypes.map((type, index) => cellAt(type, column(3 + index), row))
      }
      read.push({
        time: column(1).values[row] as number,
        known: cellAt(numberOrNull, column(2), row) as number | null,
        cells: types.map((type, index) => cellAt(type, column(3 + keyTypes.length + index), row)),
      })
    }
  }
  if (read.length > 0) yield state(key, read)
}

/** Decides between rows of one time: creation, then the declared columns, then the rest of the row; the larger wins. */
class RowOrder {
  readonly #columns: readonly { readonly place: number; readonly compare: CellComparator; readonly encode: (cell: Cell, writer: ByteWriter) => void }[]

  constructor(plan: TableGroupPlan, names: readonly string[]) {
    this.#columns = plan.orderColumns.map((name) => {
      const type: TypeData = { ...(plan.group.source.columns[name] as TypeData), nullable: true }
      return { place: names.indexOf(name), compare: cellComparator(type), encode: orderEncoder(type) }
    })
  }

  compare(a: ReadRow, b: ReadRow): number {
    if (a.known !== b.known) return (a.known ?? Number.NEGATIVE_INFINITY) - (b.known ?? Number.NEGATIVE_INFINITY)
    for (const { place, compare } of this.#columns) {
      const order = compare(a.cells[place] as Cell, b.cells[place] as Cell)
      if (order !== 0) return order
    }
    return 0
  }

  /** Order-preserving bytes of the row's place in that order, then of the moment of writing, so that a later load of equal rows wins. */
  version(row: ReadRow, writtenAt: number): Uint8Array {
    const moment = orderEncoder(numberOrNull)
    const writer = new ByteWriter()
    moment(row.time, writer)
    moment(row.known, writer)
    for (const { place, encode } of this.#columns) encode(row.cells[place] as Cell, writer)
    moment(writtenAt, writer)
    return writer.finish()
  }
}
