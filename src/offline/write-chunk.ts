import {
  ARRAY,
  BIGINT,
  BOOLEAN,
  DATE,
  DECIMAL,
  DOUBLE,
  DuckDBArrayValue,
  DuckDBDataChunk,
  DuckDBDateValue,
  DuckDBDecimalValue,
  DuckDBListValue,
  DuckDBTimestampValue,
  type DuckDBType,
  type DuckDBValue,
  type DuckDBVector,
  FLOAT,
  LIST,
  TIMESTAMP,
  VARCHAR,
} from '@duckdb/node-api'
import type { Cell, TypeData } from '../schema/index.ts'
import type { BatchColumn } from './batch.ts'
import { widest } from './physical.ts'

/** The vectors' own arrays, private only to the compiler; see read-chunk.ts. */
interface OpenVector {
  readonly items?: unknown
  readonly dataView?: DataView
  readonly validity: { readonly data: BigUint64Array | null }
}

/** A chunk of the rows `from` up to `to` of typed columns, as `Duck.append` writes it. At most 2048 rows. */
export function writeChunk(types: readonly TypeData[], columns: readonly BatchColumn[], from: number, to: number): DuckDBDataChunk {
  const chunk = DuckDBDataChunk.create(types.map(vectorType), to - from)
  types.forEach((type, index) => {
    const vector = chunk.getColumnVector(index)
    writeVector(vector, type, columns[index] as BatchColumn, from, to - from)
    vector.flush()
  })
  return chunk
}

/** The type of a vector that cells are written to; a decimal is cast to its own precision by the table that takes it. */
function vectorType(type: TypeData): DuckDBType {
  switch (type.kind) {
    case 'string':
    case 'oneOf':
    case 'struct':
      return VARCHAR
    case 'boolean':
      return BOOLEAN
    case 'integer':
    case 'int64':
      return BIGINT
    case 'float':
      return DOUBLE
    case 'decimal':
      return DECIMAL(widest, type.scale ?? 0)
    case 'timestamp':
      return TIMESTAMP
    case 'date':
      return DATE
    case 'list':
      return LIST(vectorType(type.element as TypeData))
    case 'vector':
      return ARRAY(FLOAT, type.length ?? 0)
  }
}

function writeVector(vector: DuckDBVector, type: TypeData, column: BatchColumn, from: number, count: number): void {
  const { values, nulls } = column
  const { items, dataView } = vector as unknown as OpenVector
  if (items instanceof Float64Array && values instanceof Float64Array) items.set(values.subarray(from, from + count))
  else if (items instanceof Float64Array || items instanceof Int32Array)
    for (let row = 0; row < count; row++) items[row] = values[from + row] as number
  else if (items instanceof BigInt64Array && type.kind !== 'int64')
    writeWhole(new Int32Array(items.buffer, items.byteOffset, count * 2), values, from, count)
  else if (type.kind === 'boolean' && dataView !== undefined)
    for (let row = 0; row < count; row++) dataView.setUint8(row, Number(values[from + row]))
  // What lies under a null is what memory held before.
  else
    for (let row = 0; row < count; row++) vector.setItem(row, nulls?.[from + row] === 1 ? null : toValue(type, values[from + row] as Cell))
  writeNulls(vector, column, from, count)
}

/** The first null goes through the library, which makes the validity bits; the others clear theirs. */
function writeNulls(vector: DuckDBVector, { values, nulls }: BatchColumn, from: number, count: number): void {
  if (nulls === null && values instanceof Float64Array) return
  let bits: Uint8Array | null = null
  for (let row = 0; row < count; row++) {
    if (nulls?.[from + row] !== 1 && values[from + row] !== null) continue
    if (bits === null) {
      vector.setItem(row, null)
      const data = (vector as unknown as OpenVector).validity.data as BigUint64Array
      bits = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    } else bits[row >> 3] = (bits[row >> 3] as number) & ~(1 << (row & 7))
  }
}

/** Safe integers as 64-bit integers, half by half (the lower one modulo 2^32): several times faster than by way of a bigint. */
function writeWhole(halves: Int32Array, values: BatchColumn['values'], from: number, count: number): void {
  for (let row = 0; row < count; row++) {
    const value = values[from + row] as number
    halves[row * 2] = value
    halves[row * 2 + 1] = Math.floor(value / 0x1_0000_0000)
  }
}

/** A cell as the library takes it, for kinds without a typed array. */
function toValue(type: TypeData, cell: Cell): DuckDBValue {
  if (cell === null) return null
  switch (type.kind) {
    case 'boolean':
      return cell === true || cell === 1
    case 'integer':
      return BigInt(cell as number)
    case 'decimal':
      return new DuckDBDecimalValue(BigInt(cell as number), widest, type.scale ?? 0)
    case 'timestamp':
      return new DuckDBTimestampValue(BigInt(cell as number))
    case 'date':
      return new DuckDBDateValue(cell as number)
    case 'list':
      return new DuckDBListValue((cell as readonly Cell[]).map((item) => toValue(type.element as TypeData, item)))
    case 'vector':
      return new DuckDBArrayValue([...(cell as Float32Array)])
    default:
      return cell as string | number | bigint
  }
}
