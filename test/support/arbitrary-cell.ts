import fc from 'fast-check'
import type { Cell, Kind, TypeData } from '../../src/schema/index.ts'

const dayMicros = 86_400_000_000

/** Cells of a type, extremes often among them. */
export function arbitraryCell(type: TypeData): fc.Arbitrary<Cell> {
  const cell = plainCell(type)
  return type.nullable ? fc.oneof({ weight: 1, arbitrary: fc.constant(null) }, { weight: 4, arbitrary: cell }) : cell
}

/** Two cells of a type, often equal or so close that only their last bits or characters differ. */
export function arbitraryCells(type: TypeData): fc.Arbitrary<readonly [Cell, Cell]> {
  const cell = arbitraryCell(type)
  return fc.oneof(
    fc.tuple(cell, cell),
    cell.map((value) => [value, value] as const),
    fc.tuple(cell, fc.integer({ min: 0, max: 4 })).map(([value, choice]) => [value, neighbour(type, value, choice)] as const),
  )
}

function neighbour(type: TypeData, cell: Cell, choice: number): Cell {
  if (cell === null) return null
  switch (type.kind) {
    case 'string':
      return [`${cell}\0`, `${cell}a`, `${cell}\u{ffff}`, `${cell}\u{10000}`, ''][choice] as string
    case 'integer':
      return Math.max((cell as number) - 1 - choice, Number.MIN_SAFE_INTEGER)
    case 'int64':
      return BigInt.asIntN(64, (cell as bigint) + BigInt(choice) + 1n)
    case 'float':
      return (cell as number) * (1 + (choice + 1) * Number.EPSILON) + 0
    case 'list': {
      const items = cell as readonly Cell[]
      return choice < 3 ? items.slice(0, -1) : [...items, ...items.slice(0, 1)]
    }
    default:
      return cell
  }
}

/** Well-formed texts, rich in the units around which byte, code unit and code point orders differ. */
export const arbitraryText: fc.Arbitrary<string> = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '\0',
        ' ',
        'a',
        'A',
        'z',
        '\x7f',
        '\x80',
        'ß',
        'İ',
        '\u{7ff}',
        '\u{d7ff}',
        '\u{e000}',
        '\u{feff}',
        '\u{ffff}',
        '\u{10000}',
        '😀',
        "'",
        '"',
      ),
      fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
    ),
    { maxLength: 20 },
  )
  .map((parts) => parts.join(''))

export const arbitraryFloat = (allowNaN: boolean): fc.Arbitrary<number> =>
  fc
    .oneof(
      fc.double({ noNaN: !allowNaN, noDefaultInfinity: !allowNaN }),
      fc.constantFrom(0, 0.5, -0.5, 1, -1, 5e-324, Number.MAX_VALUE, -Number.MAX_VALUE, 2 ** 53, -(2 ** 53), 2 ** 63, 0.1),
      fc.integer({ min: -20, max: 20 }),
    )
    .map((value) => value + 0)

/** Whole numbers up to `largest` in magnitude, most of them small, many at the ends. */
export const arbitraryInteger = (largest = Number.MAX_SAFE_INTEGER): fc.Arbitrary<number> =>
  fc.oneof(
    fc.integer({ min: -Math.min(130, largest), max: Math.min(130, largest) }),
    fc.maxSafeInteger().map((value) => (value % (largest + 1)) + 0),
    fc.constantFrom(largest, -largest, largest - 1, Math.floor(largest / 2)),
  )

function plainCell(type: TypeData): fc.Arbitrary<Cell> {
  switch (type.kind) {
    case 'string':
      return arbitraryText
    case 'oneOf':
      return fc.constantFrom(...(type.values ?? []))
    case 'boolean':
      return fc.boolean()
    case 'integer':
      return arbitraryInteger()
    case 'int64':
      return fc.oneof(
        fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
        fc.constantFrom(-(2n ** 63n), 2n ** 63n - 1n, 0n, 2n ** 53n + 1n),
        fc.bigInt({ min: -20n, max: 20n }),
      )
    case 'float':
      return arbitraryFloat(type.allowNaN === true)
    case 'decimal':
      return arbitraryInteger(10 ** Math.min(type.precision ?? 15, 15) - 1)
    case 'timestamp':
      return fc.oneof(
        arbitraryInteger(),
        fc.integer({ min: -40_000, max: 40_000 }).chain((days) => fc.constantFrom(-1, 0, 1).map((edge) => days * dayMicros + edge)),
      )
    case 'date':
      return arbitraryInteger(104_249)
    case 'list':
      return fc.array(arbitraryCell(type.element as TypeData), { maxLength: 4 })
    case 'vector':
      return fc
        .array(fc.oneof(fc.float({ noNaN: true, noDefaultInfinity: true }), fc.constantFrom(0, 1)), {
          minLength: type.length ?? 1,
          maxLength: type.length ?? 1,
        })
        .map((items) => Float32Array.from(items, (item) => item + 0))
    case 'struct':
      return fc.constantFrom('{}', '{"a":1}', '{"a":[1,null],"b":"\\u0000"}', '{"ä":{"x":false}}')
  }
}

const scalarKinds: readonly Kind[] = [
  'string',
  'boolean',
  'integer',
  'int64',
  'float',
  'decimal',
  'timestamp',
  'date',
  'oneOf',
  'vector',
  'struct',
]

/** Any type, lists of lists included. */
export const arbitraryType: fc.Arbitrary<TypeData> = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...scalarKinds).chain(typeOfKind) },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom(...scalarKinds)
      .chain(typeOfKind)
      .chain(listOf),
  },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom(...scalarKinds)
      .chain(typeOfKind)
      .chain(listOf)
      .chain(listOf),
  },
)

function listOf(element: TypeData): fc.Arbitrary<TypeData> {
  return fc.boolean().map((nullable) => ({ kind: 'list', nullable, element }))
}

export function typeOfKind(kind: Kind): fc.Arbitrary<TypeData> {
  const nullable = fc.boolean()
  switch (kind) {
    case 'oneOf':
      return nullable.map((isNullable) => ({ kind, nullable: isNullable, values: ['b', 'a', '', 'ä', '\u{ffff}', '😀'] }))
    case 'decimal':
      return fc
        .record({ nullable, precision: fc.integer({ min: 1, max: 15 }), scale: fc.nat(15) })
        .map((type) => ({ ...type, kind, scale: Math.min(type.scale, type.precision) }))
    case 'float':
      return fc.record({ nullable, allowNaN: fc.boolean() }).map((type) => ({ ...type, kind }))
    case 'vector':
      return fc.record({ nullable, length: fc.integer({ min: 1, max: 3 }) }).map((type) => ({ ...type, kind }))
    default:
      return nullable.map((isNullable) => ({ kind, nullable: isNullable }))
  }
}
