import {
  Bool,
  BufferType,
  Data,
  type DataType,
  DateDay,
  Decimal,
  Field,
  FixedSizeList,
  Float32,
  Float64,
  Int8,
  Int16,
  Int32,
  Int64,
  List,
  Timestamp,
  TimeUnit,
  Uint8,
  Uint16,
  Uint32,
  Utf8,
} from 'apache-arrow'
import type { Cell, TypeData } from '../schema/index.ts'

/** How a column of a query becomes a column of Arrow. */
export interface ArrowColumn {
  readonly type: DataType
  /** The form in which `Duck.stream` gives its cells, and the SQL that casts to it. */
  readonly transport: TypeData
  sql(value: string): string
  /** The cells of one record batch in the memory layout of the Arrow columnar format 1.5. */
  data(cells: readonly Cell[]): Data
}

/**
 * The Arrow column of a DuckDB type, as `DESCRIBE` names it. Values keep their exact type: moments their microseconds,
 * decimals their scale. What Arrow or the stream of cells has no equal for (structs, maps, enumerations, intervals, integers
 * beyond 64 bits) becomes text, as DuckDB casts it.
 */
export function arrowColumn(duckdbType: string): ArrowColumn {
  const [, element, length] = /^(.+)\[(\d*)\]$/.exec(duckdbType) ?? []
  if (element === 'FLOAT' && length) return vector(Number(length))
  if (element !== undefined) return list(arrowColumn(element), `${element}[]`)
  const [, precision, scale] = /^DECIMAL\((\d+),(\d+)\)$/.exec(duckdbType) ?? []
  if (precision !== undefined) return decimal(Number(precision), Number(scale))
  return scalars[duckdbType] ?? text
}

const transportOf = (kind: TypeData['kind']): TypeData => ({ kind, nullable: true })
const asDouble = (value: string) => `CAST(${value} AS DOUBLE)`
const asNumber = (cell: Cell) => Number(cell)
const asBigint = (cell: Cell) => (cell ?? 0n) as bigint

type Numbers = { from(cells: readonly Cell[], map: (cell: Cell) => number): ArrayLike<number> }
const numbers = (type: DataType, array: Numbers): ArrowColumn => ({
  type,
  transport: transportOf('float'),
  sql: asDouble,
  data: (cells) => dataOf(type, cells, { [BufferType.DATA]: array.from(cells, asNumber) }),
})

const bigints = (type: DataType, sql = (value: string) => value): ArrowColumn => ({
  type,
  transport: transportOf('int64'),
  sql,
  data: (cells) => dataOf(type, cells, { [BufferType.DATA]: BigInt64Array.from(cells, asBigint) }),
})

const boolean: ArrowColumn = {
  type: new Bool(),
  transport: transportOf('boolean'),
  sql: asDouble,
  data: (cells) => dataOf(boolean.type, cells, { [BufferType.DATA]: bits(cells, (cell) => cell === true) }),
}

const date: ArrowColumn = {
  type: new DateDay(),
  transport: transportOf('date'),
  sql: (value) => asDouble(`${value} - DATE '1970-01-01'`),
  data: (cells) => dataOf(date.type, cells, { [BufferType.DATA]: Int32Array.from(cells, asNumber) }),
}

const text: ArrowColumn = {
  type: new Utf8(),
  transport: transportOf('string'),
  sql: (value) => `CAST(${value} AS VARCHAR)`,
  data: (cells) => {
    const texts = cells.map((cell) => (cell ?? '') as string)
    const lengths = texts.map((value) => Buffer.byteLength(value))
    return dataOf(text.type, cells, { [BufferType.DATA]: Buffer.from(texts.join('')), [BufferType.OFFSET]: offsets(lengths) })
  },
}

/** A decimal is a 128-bit integer, its lower half first. It comes as text, since one of 38 digits fits no other cell. */
const decimal = (precision: number, scale: number): ArrowColumn => {
  const type = new Decimal(scale, precision)
  return {
    type,
    transport: transportOf('string'),
    sql: text.sql,
    data: (cells) => {
      const halves = new BigInt64Array(2 * cells.length)
      cells.forEach((cell, row) => {
        const scaled = BigInt(((cell ?? '0') as string).replace('.', ''))
        halves[2 * row] = scaled // the lower 64 bits
        halves[2 * row + 1] = scaled >> 64n
      })
      return dataOf(type, cells, { [BufferType.DATA]: new Uint32Array(halves.buffer) })
    },
  }
}

const list = (element: ArrowColumn, duckdbType: string): ArrowColumn => {
  const type = new List(new Field('item', element.type, true))
  return {
    type,
    transport: { ...transportOf('list'), element: element.transport },
    sql: (value) => `list_transform(CAST(${value} AS ${duckdbType}), lambda item: ${element.sql('item')})`,
    data: (cells) => {
      const lists = cells.map((cell) => (cell ?? []) as readonly Cell[])
      return dataOf(type, cells, { [BufferType.OFFSET]: offsets(lists.map((items) => items.length)) }, [element.data(lists.flat())])
    },
  }
}

/** A null takes as much room as a vector. */
const vector = (length: number): ArrowColumn => {
  const item = new Float32()
  const type = new FixedSizeList(length, new Field('item', item, true))
  return {
    type,
    transport: { ...transportOf('vector'), length },
    sql: (value) => value,
    data: (cells) => {
      const items = new Float32Array(length * cells.length)
      cells.forEach((cell, row) => {
        if (cell !== null) items.set(cell as Float32Array, length * row)
      })
      return dataOf(type, cells, {}, [new Data(item, 0, items.length, 0, { [BufferType.DATA]: items })])
    },
  }
}

const microseconds = (timeZone: string | null) => bigints(new Timestamp(TimeUnit.MICROSECOND, timeZone), (value) => `epoch_us(${value})`)

const scalars: Readonly<Record<string, ArrowColumn>> = {
  BOOLEAN: boolean,
  TINYINT: numbers(new Int8(), Int8Array),
  SMALLINT: numbers(new Int16(), Int16Array),
  INTEGER: numbers(new Int32(), Int32Array),
  BIGINT: bigints(new Int64()),
  UTINYINT: numbers(new Uint8(), Uint8Array),
  USMALLINT: numbers(new Uint16(), Uint16Array),
  UINTEGER: numbers(new Uint32(), Uint32Array),
  FLOAT: numbers(new Float32(), Float32Array),
  DOUBLE: numbers(new Float64(), Float64Array),
  DATE: date,
  TIMESTAMP: microseconds(null),
  TIMESTAMP_S: microseconds(null),
  TIMESTAMP_MS: microseconds(null),
  'TIMESTAMP WITH TIME ZONE': microseconds('UTC'),
}

function dataOf(
  type: DataType,
  cells: readonly Cell[],
  buffers: ConstructorParameters<typeof Data>[4] & object,
  children: Data[] = [],
): Data {
  const nulls = cells.reduce<number>((count, cell) => count + Number(cell === null), 0)
  const validity = nulls === 0 ? {} : { [BufferType.VALIDITY]: bits(cells, (cell) => cell !== null) }
  return new Data(type, 0, cells.length, nulls, { ...buffers, ...validity }, children)
}

/** One bit a cell, the lowest first. */
function bits(cells: readonly Cell[], isSet: (cell: Cell) => boolean): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(cells.length / 8))
  cells.forEach((cell, row) => {
    if (isSet(cell)) bytes[row >> 3] = (bytes[row >> 3] as number) | (1 << (row & 7))
  })
  return bytes
}

/** Where each value begins in all of them together, and where the last one ends. */
function offsets(lengths: readonly number[]): Int32Array {
  const starts = new Int32Array(lengths.length + 1)
  for (const [index, length] of lengths.entries()) starts[index + 1] = (starts[index] as number) + length
  return starts
}
