import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { LockstepError } from '../errors.ts'
import { ByteReader, ByteWriter } from '../lib/bytes.ts'
import type { Cell, TypeData } from '../schema/index.ts'
import type { Aggregate, AggregateParameters } from './aggregate.ts'
import { aggregateFunctions } from './functions.ts'
import { compareOrder } from './order.ts'

/** A column type with hostile values of it, many of them equal. */
interface Column {
  readonly type: TypeData
  readonly values: fc.Arbitrary<Cell>
}

const column = (type: Omit<TypeData, 'nullable'>, values: fc.Arbitrary<Cell>): Column => ({ type: { ...type, nullable: true }, values })

const maxInt64 = 2n ** 63n - 1n
const extremes = [0, -0, 5e-324, -5e-324, 2.5e-308, Number.MAX_VALUE, -Number.MAX_VALUE, 1e16, 1, -1, 0.1, 2 ** -53, 1e200, 1e-200]
const doubles = fc.oneof(
  fc.constantFrom(...extremes),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer({ min: -3, max: 3 }),
  fc.integer({ min: 0, max: 10_000 }).map((cents) => cents / 100),
)
const words = fc.oneof(
  fc.constantFrom('', 'a', 'b', 'B', 'ä', 'é', '😀', 'ﬁ', '__proto__', '10', '9', '{"'),
  fc.string({ unit: 'grapheme', maxLength: 30 }),
)

const string = column({ kind: 'string' }, words)
const oneOf = column({ kind: 'oneOf', values: ['view', 'cart', 'order'] }, fc.constantFrom('view', 'cart', 'order'))
const boolean = column({ kind: 'boolean' }, fc.boolean())
const integer = column(
  { kind: 'integer' },
  fc.oneof(fc.integer({ min: -3, max: 3 }), fc.maxSafeInteger(), fc.constantFrom(0, -0, Number.MAX_SAFE_INTEGER)),
)
const int64 = column(
  { kind: 'int64' },
  fc.oneof(fc.bigInt({ min: -2n, max: 2n }), fc.bigInt({ min: -maxInt64 - 1n, max: maxInt64 }), fc.constantFrom(maxInt64, -maxInt64 - 1n)),
)
const float = column({ kind: 'float' }, doubles)
const anyFloat = column({ kind: 'float', allowNaN: true }, fc.oneof(doubles, fc.constantFrom(NaN, Infinity, -Infinity)))
const decimal = column(
  { kind: 'decimal', precision: 12, scale: 2 },
  fc.oneof(fc.integer({ min: -3, max: 3 }), fc.integer({ min: -(10 ** 9), max: 10 ** 9 })),
)
const longDecimal = column(
  { kind: 'decimal', precision: 15, scale: 15 },
  fc.maxSafeInteger().map((value) => value % 10 ** 15),
)
const timestamp = column({ kind: 'timestamp' }, fc.integer({ min: -(10 ** 15), max: 10 ** 15 }))
const date = column({ kind: 'date' }, fc.integer({ min: -1000, max: 30_000 }))
const list = column(
  { kind: 'list', element: float.type },
  fc.array(
    fc.oneof(
      doubles.map((value) => value + 0),
      fc.constant(null),
    ),
    { maxLength: 3 },
  ),
)
const vector = column(
  { kind: 'vector', length: 3 },
  fc
    .array(
      fc.float({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
      { minLength: 3, maxLength: 3 },
    )
    .map((items) => Float32Array.from(items)),
)
const struct = column({ kind: 'struct' }, fc.constantFrom('{}', '{"a":1}', '{"a":1,"b":"😀"}'))

const numeric = [integer, int64, float, anyFloat, decimal, longDecimal]
const scalar = [...numeric, string, oneOf, boolean, timestamp, date]
const all = [...scalar, list, vector, struct]

interface Law {
  readonly inputs: readonly (readonly Column[])[]
  readonly parameters?: readonly AggregateParameters[]
}

const of = (columns: readonly Column[], ...parameters: readonly AggregateParameters[]): Law => ({
  inputs: columns.map((item) => [item]),
  parameters,
})

const laws: Readonly<Record<string, Law>> = {
  average: of(numeric),
  collect: of(all, { limit: 1 }, { limit: 7 }),
  count: { inputs: [[], [float], [vector]] },
  countDistinct: of(scalar),
  countDistinctApproximate: of(scalar, { precision: 4 }, { precision: 9 }),
  decayedCount: { inputs: [[], [string]], parameters: [{ halfLife: 1 }, { halfLife: 700 }, { halfLife: 10 ** 12 }] },
  decayedSum: of(numeric, { halfLife: 1 }, { halfLife: 700 }, { halfLife: 10 ** 12 }),
  deviationPopulation: of(numeric),
  deviationSample: of(numeric),
  first: of(all),
  firstN: of(all, { n: 1 }, { n: 4 }),
  histogram: of(scalar),
  last: of(all),
  lastDistinctN: of(scalar, { n: 1 }, { n: 3 }),
  lastN: of(all, { n: 1 }, { n: 4 }),
  maximum: of(scalar),
  minimum: of(scalar),
  quantile: of(numeric, { percentile: 0 }, { percentile: 0.5 }, { percentile: 0.99 }, { percentile: 1 }),
  quantileApproximate: of(numeric, { percentile: 0.5 }, { percentile: 0.9, error: 0.001 }),
  rate: of([boolean]),
  sum: of(numeric),
  topK: of(scalar, { k: 1 }, { k: 3 }),
  topKBySum: {
    inputs: scalar.flatMap((item) => [
      [item, anyFloat],
      [item, int64],
    ]),
    parameters: [{ k: 1 }, { k: 3 }],
  },
  variancePopulation: of(numeric),
  varianceSample: of(numeric),
}

interface Event {
  readonly value: Cell
  readonly weight: Cell
  readonly time: number
  readonly id: string | number
}

/** Up to `maxLength` events, many of them at one moment, in an order that is not theirs; ids may occur twice unless `unique`. */
function eventsOf([value, weight]: readonly Column[], maxLength: number, unique: boolean): fc.Arbitrary<Event[]> {
  const event = fc.record({
    value: value?.values ?? fc.constant(null),
    weight: weight?.values ?? fc.constant(null),
    time: fc.oneof(fc.integer({ min: -3, max: 3 }), fc.integer({ min: -5000, max: 5000 })),
    id: fc.oneof(fc.integer({ min: 0, max: 3 }), fc.integer()),
  })
  return fc
    .tuple(unique ? fc.uniqueArray(event, { selector: ({ id }) => id, maxLength }) : fc.array(event, { maxLength }), fc.boolean())
    .map(([events, asText]) => (asText ? events.map((item) => ({ ...item, id: `é${item.id}` })) : events))
}

const asOf = 6000

class Algebra {
  readonly aggregate: Aggregate

  constructor(name: string, columns: readonly Column[], parameters: AggregateParameters) {
    const inputs = columns.map(({ type }) => type)
    aggregateFunctions[name]?.result(inputs, parameters)
    this.aggregate = aggregateFunctions[name]?.create(inputs, parameters) as Aggregate
  }

  fold(events: readonly Event[], state = this.aggregate.zero()): unknown {
    return events.reduce((sofar, { value, time, id, weight }) => this.aggregate.add(sofar, value, time, id, weight), state)
  }

  bytes(state: unknown): string {
    const writer = new ByteWriter()
    this.aggregate.encode(state, writer)
    return Buffer.from(writer.finish()).toString('hex')
  }

  decode(bytes: string): unknown {
    const reader = new ByteReader(Uint8Array.from(Buffer.from(bytes, 'hex')))
    const state = this.aggregate.decode(reader)
    assert.equal(reader.remaining, 0)
    return state
  }

  /** The value, or the code of the error that it is. */
  finish(state: unknown): Cell | { error: string } {
    return outcome(() => this.aggregate.finish(state, asOf))
  }

  /** Bytes and value of a state, for comparison to the bit. */
  all(state: unknown) {
    const value = this.finish(state)
    const bytes = this.bytes(state)
    assert.deepEqual(this.finish(state), value, 'finish does not change the state')
    return { bytes, value }
  }
}

function outcome(compute: () => Cell): Cell | { error: string } {
  try {
    return compute()
  } catch (error) {
    assert.ok(error instanceof LockstepError, String(error))
    return { error: error.code }
  }
}

const hasMinusZero = (cell: unknown): boolean => Object.is(cell, -0) || (Array.isArray(cell) && cell.some(hasMinusZero))

test('every registered function has its laws, under its own name', () => {
  assert.deepEqual(Object.keys(laws), Object.keys(aggregateFunctions).sort())
  for (const [name, description] of Object.entries(aggregateFunctions)) assert.equal(description.name, name)
})

for (const [name, { inputs, parameters = [{}] }] of Object.entries(laws)) {
  describe(name, () => {
    for (const columns of inputs) {
      for (const given of parameters.length === 0 ? [{}] : parameters) {
        const kinds = columns.map(({ type }) => type.kind + (type.allowNaN ? ' with NaN' : '') + (type.scale ?? '')).join(', ')
        test(`of (${kinds}) with ${JSON.stringify(given)}`, () => holdLaws(new Algebra(name, columns, given), columns))
      }
    }
  })
}

function holdLaws(algebra: Algebra, columns: readonly Column[]): void {
  const { aggregate } = algebra
  const split = fc.integer({ min: 0, max: 24 })
  fc.assert(
    fc.property(eventsOf(columns, 24, false), fc.infiniteStream(fc.nat()), split, split, split, (events, keys, cut1, cut2, cut3) => {
      const folded = algebra.fold(events)
      const whole = algebra.all(folded)
      assert.ok(!hasMinusZero(whole.value), 'no value is -0')

      const shuffled = events
        .map((event) => ({ event, key: keys.next().value }))
        .sort((a, b) => a.key - b.key)
        .map(({ event }) => event)
      assert.deepEqual(algebra.all(algebra.fold(shuffled)), whole, 'order does not matter')

      const [from, to] = [Math.min(cut1, cut2), Math.max(cut1, cut2)]
      const parts = [events.slice(0, from), events.slice(from, to), events.slice(to)] as const
      const state = (part: 0 | 1 | 2) => algebra.fold(parts[part])
      const right = aggregate.merge(state(1), state(2))
      const rightBytes = algebra.bytes(right)
      assert.deepEqual(algebra.all(aggregate.merge(aggregate.merge(state(0), state(1)), state(2))), whole, 'merge from the left')
      assert.deepEqual(algebra.all(aggregate.merge(state(0), right)), whole, 'merge from the right')
      assert.equal(algebra.bytes(right), rightBytes, 'merge leaves its second argument alone')
      assert.deepEqual(algebra.all(aggregate.merge(aggregate.merge(state(2), state(0)), state(1))), whole, 'merge is commutative')
      assert.deepEqual(algebra.all(aggregate.merge(algebra.fold(events), aggregate.zero())), whole, 'empty is neutral')
      assert.deepEqual(algebra.all(aggregate.merge(aggregate.zero(), algebra.fold(events))), whole, 'and on the left')

      assert.deepEqual(algebra.all(algebra.decode(whole.bytes)), whole, 'the codec keeps the state')
      assert.deepEqual(
        algebra.all(algebra.fold(events.slice(from), algebra.decode(algebra.bytes(algebra.fold(events.slice(0, from)))))),
        whole,
        'a decoded state goes on',
      )

      if (aggregate.remove) {
        const start = Math.min(cut3, events.length)
        let left = algebra.fold(events)
        for (const { value, time, id, weight } of shuffled.filter((event) => events.indexOf(event) < start))
          left = aggregate.remove(left, value, time, id, weight)
        assert.deepEqual(algebra.all(left), algebra.all(algebra.fold(events.slice(start))), 'remove undoes add')
        for (const { value, time, id, weight } of events.slice(start)) left = aggregate.remove(left, value, time, id, weight)
        assert.deepEqual(algebra.all(left), algebra.all(aggregate.zero()), 'removing everything leaves nothing')
      }
    }),
    { numRuns: 40 },
  )
  if (aggregate.ranges)
    fc.assert(
      fc.property(eventsOf(columns, 60, true), fc.array(fc.tuple(fc.nat(60), fc.nat(60)), { minLength: 1, maxLength: 8 }), (events, cuts) =>
        holdRanges(algebra, columns, events, cuts),
      ),
      { numRuns: 40 },
    )
}

function holdRanges(algebra: Algebra, columns: readonly Column[], events: Event[], cuts: readonly (readonly [number, number])[]): void {
  const ordered = events.toSorted(compareOrder)
  const cells = ordered.map(({ value }) => value)
  const kind = columns[0]?.type.kind
  const isFloat64 = kind !== undefined && ['integer', 'float', 'decimal', 'timestamp', 'date'].includes(kind)
  for (const values of isFloat64 ? [cells, Float64Array.from(cells as number[])] : [cells]) {
    // What an earlier and longer list left behind must not show.
    algebra.aggregate.ranges?.([...cells, ...cells], 2 * cells.length)
    const answer = algebra.aggregate.ranges?.(values, values.length)
    if (!answer) continue
    for (const cut of cuts) {
      const [low, high] = cut.map((place) => Math.min(place, values.length)).sort((a, b) => a - b) as [number, number]
      assert.deepEqual(
        outcome(() => answer(low, high)),
        algebra.finish(algebra.fold(ordered.slice(low, high))),
        `range ${low} to ${high} of ${values.length}`,
      )
    }
  }
}
