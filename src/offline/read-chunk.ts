import type { DuckDBArrayVector, DuckDBDataChunk, DuckDBListVector, DuckDBVector } from '@duckdb/node-api'
import { LockstepError } from '../errors.ts'
import { canonicalJson } from '../lib/canonical-json.ts'
import { parseJson } from '../lib/lenient-json.ts'
import type { Cell, TypeData } from '../schema/index.ts'
import { type Batch, type BatchColumn, cellAt } from './batch.ts'

/**
 * What the vectors of @duckdb/node-api hold, private only to the compiler: their typed arrays lie over DuckDB's own memory,
 * and reading them whole is what makes 20 million rows a matter of seconds rather than minutes.
 */
interface OpenVector {
  readonly items?: unknown
  readonly dataView?: DataView
  readonly childData?: DuckDBVector
  readonly validity: { readonly data: BigUint64Array | null; readonly offset: number }
}
const open = (vector: DuckDBVector): OpenVector => vector as unknown as OpenVector

/** The rows of a chunk; its numbers are views that live as long as the chunk does. */
export function readChunk(chunk: DuckDBDataChunk, types: readonly TypeData[]): Batch {
  const count = chunk.rowCount
  return { count, columns: types.map((type, index) => readVector(chunk.getColumnVector(index), type, count)) }
}

/** Gives the memory of a batch's numbers back at once: left to the collector, it would make it collect everything over and over. */
export function releaseBatch({ columns }: Batch): void {
  for (const { values } of columns) if (values instanceof Float64Array) (values.buffer as ArrayBuffer).transfer(0)
}

function readVector(vector: DuckDBVector, type: TypeData, count: number): BatchColumn {
  const nulls = nullsOf(vector, count)
  switch (type.kind) {
    case 'integer':
    case 'float':
    case 'decimal':
    case 'timestamp':
    case 'date':
    case 'boolean':
      return { values: itemsOf(vector, Float64Array, type), nulls }
    case 'int64':
      return { values: Array.from(itemsOf(vector, BigInt64Array, type), (item, row) => (nulls?.[row] === 1 ? null : item)), nulls }
    case 'string':
    case 'oneOf':
      return { values: texts(vector, nulls, count), nulls }
    case 'struct':
      return { values: texts(vector, nulls, count).map((text) => (text === null ? null : canonicalJson(parseJson(text)))), nulls }
    case 'list':
      return { values: lists(vector as DuckDBListVector, type.element as TypeData, nulls, count), nulls }
    case 'vector':
      return { values: vectors(vector as DuckDBArrayVector, type, nulls, count), nulls }
  }
}

function itemsOf<T>(vector: DuckDBVector, array: abstract new (...values: never[]) => T, type: TypeData): T {
  const { items } = open(vector)
  if (items instanceof array) return items
  throw new LockstepError('INVALID_ARGUMENT', `A query gives ${vector.type} where the transport form of ${type.kind} is expected`)
}

/** One byte a row from one bit a row (set: valid). */
function nullsOf(vector: DuckDBVector, count: number): Uint8Array | null {
  const { data, offset } = open(vector).validity
  if (data === null) return null
  const bits = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  let nulls: Uint8Array | null = null
  for (let row = 0; row < count; row++) {
    const bit = offset + row
    if ((((bits[bit >> 3] as number) >> (bit & 7)) & 1) === 1) continue
    nulls ??= new Uint8Array(count)
    nulls[row] = 1
  }
  return nulls
}

/** Bytes of a text that a 16-byte slot of a vector holds itself: after the length, before any pointer, and zeros behind. */
const slot = 16
const inline = 12

function texts(vector: DuckDBVector, nulls: Uint8Array | null, count: number): (string | null)[] {
  const { dataView } = open(vector)
  if (dataView === undefined) throw new LockstepError('INVALID_ARGUMENT', `A query gives ${vector.type} where a text is expected`)
  const bytes = Buffer.from(dataView.buffer, dataView.byteOffset, dataView.byteLength)
  const values = new Array<string | null>(count)
  for (let row = 0; row < count; row++) {
    const at = row * slot
    if (nulls?.[row] === 1) values[row] = null
    else values[row] = dataView.getUint32(at, true) <= inline ? shortText(dataView, bytes, at) : longText(vector, row, bytes, at)
  }
  return values
}

/** Short texts tend to recur (categories, codes): those met last are made once and shared, each at a place its slot leads to. */
const places = 4096
const sharedSlots = new Int32Array(places * 4)
const sharedTexts = new Array<string>(places).fill('')

function shortText(slots: DataView, bytes: Buffer, at: number): string {
  const length = slots.getInt32(at, true)
  const first = slots.getInt32(at + 4, true)
  const second = slots.getInt32(at + 8, true)
  const third = slots.getInt32(at + 12, true)
  const hash = Math.imul(Math.imul(Math.imul(first, 0x9e3779b1) ^ second, 0x85ebca6b) ^ third, 0xc2b2ae35)
  const place = (hash ^ (hash >>> 15)) & (places - 1)
  const shared = place * 4
  if (
    sharedSlots[shared] === length &&
    sharedSlots[shared + 1] === first &&
    sharedSlots[shared + 2] === second &&
    sharedSlots[shared + 3] === third
  )
    return sharedTexts[place] as string
  const text = bytes.toString('utf8', at + 4, at + 4 + length)
  sharedSlots.set([length, first, second, third], shared)
  sharedTexts[place] = text
  return text
}

/** `getItem` takes U+FEFF at the beginning of a text for a byte order mark and drops it; a slot shows the first four bytes. */
function longText(vector: DuckDBVector, row: number, bytes: Buffer, at: number): string {
  const marked = bytes.readUIntBE(at + 4, 3) === 0xefbbbf
  return `${marked ? '\u{FEFF}' : ''}${vector.getItem(row)}`
}

function lists(vector: DuckDBListVector, element: TypeData, nulls: Uint8Array | null, count: number): Cell[] {
  const items = readVector(vector.childVector, element, vector.childVector.itemCount)
  return Array.from({ length: count }, (_, row) => {
    if (nulls?.[row] === 1) return null
    const first = vector.getEntryOffset(row)
    return Array.from({ length: vector.getEntryLength(row) }, (_item, index) => cellAt(element, items, first + index))
  })
}

function vectors(vector: DuckDBArrayVector, type: TypeData, nulls: Uint8Array | null, count: number): Cell[] {
  const { childData } = open(vector)
  const items = itemsOf(childData as DuckDBVector, Float32Array, type)
  const length = type.length ?? 0
  return Array.from({ length: count }, (_, row) =>
    nulls?.[row] === 1 ? null : items.slice(row * length, (row + 1) * length).map((item) => item + 0),
  )
}
