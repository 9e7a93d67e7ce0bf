import { setImmediate } from 'node:timers/promises'
import { ParquetRows } from '../offline/index.ts'
import type { Cell, TypeData } from '../schema/index.ts'
import type { FeatureStatus } from '../serving/index.ts'
import type { ReadRecord } from './read-record.ts'

/** What is kept of a read until it is written: the record with its cells, which hold longer. */
type LoggedRead = Omit<ReadRecord, 'cell' | 'status'> & { readonly cells: readonly Cell[]; readonly statuses: readonly FeatureStatus[] }

const text: TypeData = { kind: 'string', nullable: false }
const whole: TypeData = { kind: 'integer', nullable: false }
const moment: TypeData = { kind: 'timestamp', nullable: false }
/** JSON. */
const struct: TypeData = { kind: 'struct', nullable: false }

/** The columns of a feature log before those of features. No feature has such a name. */
export const logColumns = {
  __read_id: text,
  /** The place of the row in its request. */
  __row: whole,
  __caller: text,
  __model: text,
  __version: whole,
  /** As of when, and when it was served. */
  __moment: moment,
  __known: moment,
  __keys: struct,
  __request: struct,
  /** `name@version:hash` of each group that was read. */
  __groups: { kind: 'list', nullable: false, element: text },
  __micros: whole,
} as const satisfies Record<string, TypeData>

/** The column of a feature's statuses, beside its own. Null in both where it was not asked for. */
export const statusColumn = (feature: string): string => `${feature}__status`

/** Values that are put into columns before others of the process have their turn. */
const valuesAtOnce = 4_000

/** Reads of one view and day, on their way into a file. */
export class FeatureLogBatch {
  readonly view: string
  readonly version: number
  readonly day: number
  readonly opened: number
  readonly #reads: LoggedRead[] = []
  #rows = 0
  #values = 0

  /** `opened`: in milliseconds, by which it is known how long it waits. */
  constructor({ view, version }: ReadRecord, day: number, opened: number) {
    this.view = view
    this.version = version
    this.day = day
    this.opened = opened
  }

  get reads(): number {
    return this.#reads.length
  }

  get rows(): number {
    return this.#rows
  }

  get values(): number {
    return this.#values
  }

  /** Copies a read. */
  add(record: ReadRecord): void {
    const { id, view, version, caller, model, moment: asOf, knownAt, features, types, keys, requests, groups, micros } = record
    const count = keys.length * features.length
    const cells = new Array<Cell>(count)
    const statuses = new Array<FeatureStatus>(count)
    for (let row = 0, place = 0; row < keys.length; row++) {
      for (let feature = 0; feature < features.length; feature++, place++) {
        const cell = record.cell(row, feature)
        cells[place] = typeof cell === 'object' && cell !== null ? cell.slice() : cell
        statuses[place] = record.status(row, feature)
      }
    }
    this.#reads.push({
      id,
      view,
      version,
      caller,
      model,
      moment: asOf,
      knownAt,
      features,
      types,
      keys,
      requests,
      groups,
      micros,
      cells,
      statuses,
    })
    this.#rows += keys.length
    this.#values += count
  }

  /** The rows as a file of Parquet, with the columns of all features that some read asked for. */
  async rowsOfFile(): Promise<ParquetRows> {
    const types = new Map<string, TypeData>()
    for (const read of this.#reads) for (const [place, name] of read.features.entries()) types.set(name, read.types[place] as TypeData)
    const names = [...types.keys()]
    const columns = names.flatMap((name) => [
      [name, types.get(name)],
      [statusColumn(name), text],
    ])
    const file = new ParquetRows({ ...logColumns, ...Object.fromEntries(columns) })
    const places = new Map<readonly string[], readonly number[]>()
    let since = 0
    for (const read of this.#reads) {
      const own = places.get(read.features) ?? names.map((name) => read.features.indexOf(name))
      places.set(read.features, own)
      for (let row = 0; row < read.keys.length; row++) {
        file.add(rowOf(read, row, own))
        since += names.length
        if (since < valuesAtOnce) continue
        since = 0
        await setImmediate()
      }
    }
    return file
  }
}

/** `places`: of each feature's column, its place among the features of the read; -1 where it was not asked for. */
function rowOf(read: LoggedRead, row: number, places: readonly number[]): Cell[] {
  const { requests, features, cells, statuses } = read
  const request = requests[requests.length === 1 ? 0 : row] ?? {}
  const line: Cell[] = [
    read.id,
    row,
    read.caller,
    read.model,
    read.version,
    read.moment,
    read.knownAt,
    jsonText(read.keys[row]),
    jsonText(request),
    read.groups,
    Math.round(read.micros),
  ]
  const first = row * features.length
  for (const place of places) {
    if (place < 0) line.push(null, null)
    else line.push(cells[first + place] as Cell, statuses[first + place] as FeatureStatus)
  }
  return line
}

/** Public values as JSON: an int64 as its digits, a vector as an array. */
const jsonText = (value: unknown): string =>
  JSON.stringify(value, (_name, member: unknown) => {
    if (typeof member === 'bigint') return String(member)
    if (member instanceof Float32Array) return [...member]
    return typeof member === 'number' && !Number.isFinite(member) ? String(member) : member
  })
