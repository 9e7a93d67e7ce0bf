import type { FeatureGroupData, History, SourceData } from '../definition/index.ts'
import { type BatchColumn, cellAt, type Duck, prepareScan, quoteIdentifier, type SourceRow, transportSql } from '../offline/index.ts'
import { timeOf } from '../oracle/index.ts'
import type { Cell, TypeData } from '../schema/index.ts'

/** What a group's source holds of the keys that take part: events in every version and copy, or rows of a table. */
export interface GroupRows {
  /** The cells of each key, in the order of the entity's columns; behind the `known` ones some that no row has. */
  readonly keys: readonly (readonly Cell[])[]
  readonly known: number
  readonly rows: readonly SourceRow[]
  /** By row: the place of its key, its time, from when it counts as known (both in microseconds), and which event it is a version of. */
  readonly keyOf: Int32Array
  readonly times: Float64Array
  readonly knownAt: Float64Array
  readonly eventOf: Int32Array
  /** Some of the rows that have no key, and count for nobody. */
  readonly strays: readonly SourceRow[]
  /** How many keys the source has in all. */
  readonly allKeys: number
  /** The table of the engine that holds the rows, with the columns of the source. */
  readonly table: string
}

/** Reads the rows of at most so many keys, chosen by a seed; those without a key belong to none. */
export async function readGroupRows(
  duck: Duck,
  group: FeatureGroupData,
  options: { readonly history?: History; readonly keys: number; readonly seed: number; readonly advance: (rows: number) => void },
): Promise<GroupRows> {
  const { source } = group
  const scan = await prepareScan(duck, { ...source, id: [] }, options.history ? { history: options.history } : {})
  const columns = Object.values(group.keys).map(quoteIdentifier)
  const names = columns.join(', ')
  const present = columns.map((column) => `s.${column} IS NOT NULL`).join(' AND ')
  const [keys, table] = [duck.uniqueName('parity_keys'), duck.uniqueName('parity_rows')]
  await duck.run(`CREATE TABLE ${keys} AS SELECT DISTINCT ${names} FROM (${scan.sql}) s WHERE ${present}`)
  const [counted] = await duck.rows(`SELECT count(*)::DOUBLE AS keys FROM ${keys}`)
  const allKeys = counted?.keys as number
  const chosen = `(FROM ${keys} ORDER BY hash(${names}, ${options.seed}), ${names} LIMIT ${options.keys})`
  const same = columns.map((column) => `s.${column} = k.${column}`).join(' AND ')
  const join = allKeys > options.keys ? `JOIN ${chosen} k ON ${same}` : `WHERE ${present}`
  await duck.run(`CREATE TABLE ${table} AS SELECT s.* FROM (${scan.sql}) s ${join}; DROP TABLE ${keys}`)
  const strays: SourceRow[] = []
  const withoutKey = `(SELECT s.* FROM (${scan.sql}) s WHERE NOT (${present}) LIMIT ${mostStrays})`
  for await (const row of sourceCells(duck, source, withoutKey)) strays.push(row)
  await scan.close()
  return { ...(await readRows(duck, group, table, options.advance)), strays, allKeys, table }
}

const mostStrays = 200

/** The rows of a relation with the columns of a source, in order. */
async function* sourceCells(duck: Duck, source: SourceData, relation: string): AsyncGenerator<SourceRow, void, undefined> {
  const columns = Object.entries(source.columns)
  const types = columns.map(([, type]) => type)
  const casts = columns.map(([name, type]) => transportSql(type, quoteIdentifier(name))).join(', ')
  for await (const batch of duck.stream(`SELECT ${casts} FROM ${relation}`, types)) {
    for (let place = 0; place < batch.count; place++) {
      const row: Record<string, Cell> = {}
      for (const [index, [name, type]] of columns.entries()) row[name] = cellAt(type, batch.columns[index] as BatchColumn, place)
      yield row
    }
  }
}

async function readRows(duck: Duck, group: FeatureGroupData, table: string, advance: (rows: number) => void) {
  const { source } = group
  const rows: SourceRow[] = []
  const [keyOf, eventOf]: [number[], number[]] = [[], []]
  const [times, knownAt]: [number[], number[]] = [[], []]
  const [keys, events] = [new Places(), new Places()]
  const keyColumns = Object.values(group.keys)
  for await (const row of sourceCells(duck, source, table)) {
    keyOf.push(keys.of(cellsOf(row, keyColumns)))
    eventOf.push(source.id.length === 0 ? rows.length : events.of(cellsOf(row, source.id)))
    times.push(timeOf(source, source.time, row))
    knownAt.push(source.known === null || row[source.known] === null ? Number.NEGATIVE_INFINITY : timeOf(source, source.known, row))
    rows.push(row)
    if (rows.length % 1024 === 0) advance(1024)
  }
  const known = keys.all.length
  const unknown = unknownKey(Object.values(group.entity.keys), keys)
  return {
    keys: unknown ? [...keys.all, unknown] : keys.all,
    known,
    rows,
    keyOf: Int32Array.from(keyOf),
    times: Float64Array.from(times),
    knownAt: Float64Array.from(knownAt),
    eventOf: Int32Array.from(eventOf),
  }
}

const cellsOf = (row: SourceRow, columns: readonly string[]) => columns.map((column) => row[column] ?? null)

/** Gives equal lists of cells one number, from 0 on. */
class Places {
  readonly all: (readonly Cell[])[] = []
  readonly #places = new Map<string, number>()

  of(cells: readonly Cell[]): number {
    const text = this.#text(cells)
    const found = this.#places.get(text)
    if (found !== undefined) return found
    this.#places.set(text, this.all.length)
    return this.all.push(cells) - 1
  }

  has(cells: readonly Cell[]): boolean {
    return this.#places.has(this.#text(cells))
  }

  #text(cells: readonly Cell[]): string {
    if (cells.length === 1) return String(cells[0])
    return JSON.stringify(cells.map((cell) => (typeof cell === 'bigint' ? String(cell) : cell)))
  }
}

/** A key that no row has, where its types have room for one. */
function unknownKey(types: readonly TypeData[], keys: Places): readonly Cell[] | null {
  for (let attempt = 7; attempt < 1000; attempt++) {
    const cells = types.map((type): Cell | undefined => {
      switch (type.kind) {
        case 'string':
          return `nobody ${attempt}`
        case 'integer':
        case 'decimal':
        case 'date':
        case 'timestamp':
          return attempt
        case 'int64':
          return BigInt(attempt)
        case 'oneOf':
          return type.values?.[attempt % type.values.length]
        case 'boolean':
          return attempt % 2 === 0
        default:
          return undefined
      }
    })
    if (cells.every((cell) => cell !== undefined) && !keys.has(cells)) return cells
  }
  return null
}
