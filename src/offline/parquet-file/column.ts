import { type Cell, fromCell, type TypeData } from '../../schema/index.ts'
import { GrowingBytes, GrowingNumbers } from './growing.ts'
import { levelBytes, levelRun } from './levels.ts'
import { binary, boolean, i32, struct, type ThriftFields, type ThriftValue, text } from './thrift.ts'

/** A column chunk of Parquet, before it is compressed. */
export interface ColumnPage {
  /** The elements of the schema that describe the column. */
  readonly schema: readonly ThriftValue[]
  readonly path: readonly string[]
  readonly physical: number
  /** Values, nulls and empty lists included. */
  readonly values: number
  /** The parts of a data page: levels, then values. */
  readonly parts: readonly Uint8Array[]
  readonly statistics: ThriftValue
}

/** Takes the cells of a column one after the other and gives them as a page. */
export interface ColumnWriter {
  add(cell: Cell): void
  page(): ColumnPage
}

const [booleanType, int32Type, int64Type, floatType, doubleType, bytesType] = [0, 1, 2, 4, 5, 6]
const [optional, repeated] = [1, 2]

/** Numbers of the columns of one kind: how they lie in the file, and what their least and greatest is. */
interface Values {
  readonly physical: number
  /** Fields of a schema element beyond its name: the converted and the logical type. */
  readonly schema: ThriftFields
  push(cell: NonNullable<Cell>): void
  bytes(): Uint8Array
  bounds(): readonly [Uint8Array, Uint8Array] | null
}

export function columnWriter(name: string, type: TypeData): ColumnWriter {
  if (type.kind === 'vector') return listWriter(name, floats())
  const element = type.kind === 'list' ? (type.element as TypeData) : null
  return element && !isNested(element) ? listWriter(name, valuesOf(element)) : plainWriter(name, valuesOf(type))
}

const isNested = ({ kind }: TypeData): boolean => kind === 'list' || kind === 'vector'

function plainWriter(name: string, values: Values): ColumnWriter {
  // Made with the first null.
  let present: GrowingNumbers<Uint8Array> | null = null
  let count = 0
  let nulls = 0
  return {
    add(cell) {
      count++
      if (cell !== null) {
        present?.push(1)
        values.push(cell)
        return
      }
      nulls++
      present ??= new GrowingNumbers((length) => new Uint8Array(length), new Uint8Array(count - 1).fill(1))
      present.push(0)
    },
    page: () => ({
      schema: [element(name, optional, values)],
      path: [name],
      physical: values.physical,
      values: count,
      parts: [present === null ? levelRun(1, count) : levelBytes(present.items, 1), values.bytes()],
      statistics: statistics(values, nulls),
    }),
  }
}

/** Levels of a list: 0 is null, 1 without elements, 2 a null element, 3 an element. */
function listWriter(name: string, values: Values): ColumnWriter {
  const definitions = new GrowingNumbers((length) => new Uint8Array(length))
  const repetitions = new GrowingNumbers((length) => new Uint8Array(length))
  let nulls = 0
  const level = (definition: number, repetition: number) => {
    definitions.push(definition)
    repetitions.push(repetition)
    if (definition < 3) nulls++
  }
  return {
    add(cell) {
      if (cell === null) return level(0, 0)
      const items = cell as readonly Cell[] | Float32Array
      if (items.length === 0) return level(1, 0)
      for (let at = 0; at < items.length; at++) {
        const item = items[at] as Cell
        level(item === null ? 2 : 3, at === 0 ? 0 : 1)
        if (item !== null) values.push(item)
      }
    },
    page: () => ({
      schema: [
        struct({ 3: i32(optional), 4: text(name), 5: i32(1), 6: i32(3), 10: struct({ 3: struct({}) }) }),
        struct({ 3: i32(repeated), 4: text('list'), 5: i32(1) }),
        element('element', optional, values),
      ],
      path: [name, 'list', 'element'],
      physical: values.physical,
      values: definitions.length,
      parts: [levelBytes(repetitions.items, 1), levelBytes(definitions.items, 2), values.bytes()],
      statistics: statistics(values, nulls),
    }),
  }
}

const element = (name: string, repetition: number, { physical, schema }: Values): ThriftValue =>
  struct({ 1: i32(physical), 3: i32(repetition), 4: text(name), ...schema })

function statistics(values: Values, nulls: number): ThriftValue {
  const [low, high] = values.bounds() ?? []
  return struct({ 3: { kind: 'i64', value: nulls }, 5: high ? binary(high) : null, 6: low ? binary(low) : null })
}

function valuesOf(type: TypeData): Values {
  switch (type.kind) {
    case 'string':
    case 'oneOf':
    case 'struct':
      return texts((cell) => cell as string)
    case 'list':
    case 'vector':
      // Lists within lists, as JSON.
      return texts((cell) => JSON.stringify(publicForm(fromCell(type, cell))))
    case 'boolean':
      return booleans()
    case 'integer':
      return wholes({})
    case 'int64':
      return bigs()
    case 'float':
      return doubles()
    case 'decimal': {
      const [scale, precision] = [i32(type.scale ?? 0), i32(type.precision ?? 15)]
      return wholes({ 6: i32(5), 7: scale, 8: precision, 10: struct({ 5: struct({ 1: scale, 2: precision }) }) })
    }
    case 'timestamp':
      return wholes({ 10: struct({ 8: struct({ 1: boolean(false), 2: struct({ 2: struct({}) }) }) }) })
    case 'date':
      return days()
  }
}

function publicForm(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value)
  if (value instanceof Float32Array) return [...value]
  return Array.isArray(value) ? value.map(publicForm) : typeof value === 'number' && !Number.isFinite(value) ? String(value) : value
}

function texts(textOf: (cell: NonNullable<Cell>) => string): Values {
  const bytes = new GrowingBytes()
  return {
    physical: bytesType,
    schema: { 6: i32(0), 10: struct({ 1: struct({}) }) },
    push: (cell) => bytes.text(textOf(cell)),
    bytes: () => bytes.bytes,
    bounds: () => null,
  }
}

function booleans(): Values {
  const bits = new GrowingNumbers((length) => new Uint8Array(length))
  let count = 0
  let last = 0
  return {
    physical: booleanType,
    schema: {},
    push(cell) {
      if (cell === true) last |= 1 << (count & 7)
      if ((++count & 7) === 0) {
        bits.push(last)
        last = 0
      }
    },
    bytes: () => ((count & 7) === 0 ? bits.bytes : Buffer.concat([bits.bytes, Uint8Array.of(last)])),
    bounds: () => null,
  }
}

/** Safe integers as 64 bits, half by half: without bigints several times as fast. */
function wholes(schema: ThriftFields): Values {
  const halves = new GrowingNumbers((length) => new Int32Array(length))
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  return {
    physical: int64Type,
    schema,
    push(cell) {
      const value = cell as number
      halves.push(value | 0 || (value % 0x1_0000_0000) | 0)
      halves.push(Math.floor(value / 0x1_0000_0000))
      if (value < low) low = value
      if (value > high) high = value
    },
    bytes: () => halves.bytes,
    bounds: () => (low > high ? null : [int64Bytes(BigInt(low)), int64Bytes(BigInt(high))]),
  }
}

function bigs(): Values {
  const items = new GrowingNumbers((length) => new BigInt64Array(length))
  return {
    physical: int64Type,
    schema: {},
    push: (cell) => items.push(cell as bigint),
    bytes: () => items.bytes,
    bounds() {
      const [first, ...rest] = items.items
      if (first === undefined) return null
      let [low, high] = [first, first]
      for (const item of rest) {
        if (item < low) low = item
        if (item > high) high = item
      }
      return [int64Bytes(low), int64Bytes(high)]
    },
  }
}

const int64Bytes = (value: bigint): Uint8Array => new Uint8Array(BigInt64Array.of(value).buffer)

function doubles(): Values {
  const items = new GrowingNumbers((length) => new Float64Array(length))
  return {
    physical: doubleType,
    schema: {},
    push: (cell) => items.push(cell as number),
    bytes: () => items.bytes,
    // Bounds may not be NaN, and readers differ about zeros.
    bounds: () => null,
  }
}

function floats(): Values {
  const bytes = new GrowingBytes()
  return {
    physical: floatType,
    schema: {},
    push: (cell) => bytes.float32(cell as number),
    bytes: () => bytes.bytes,
    bounds: () => null,
  }
}

function days(): Values {
  const items = new GrowingNumbers((length) => new Int32Array(length))
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  const dayBytes = (value: number) => new Uint8Array(Int32Array.of(value).buffer)
  return {
    physical: int32Type,
    schema: { 6: i32(6), 10: struct({ 6: struct({}) }) },
    push(cell) {
      const value = cell as number
      items.push(value)
      if (value < low) low = value
      if (value > high) high = value
    },
    bytes: () => items.bytes,
    bounds: () => (low > high ? null : [dayBytes(low), dayBytes(high)]),
  }
}
