import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { arbitraryCell } from '../../test/support/arbitrary-cell.ts'
import { aggregateFunctions } from '../aggregation/index.ts'
import { LockstepError } from '../errors.ts'
import { type Cell, type Kind, type TypeData, t } from '../schema/index.ts'
import { type AggregateCall, aggregateOf } from './aggregates.ts'

const types: readonly TypeData[] = [
  t.integer().data,
  t.decimal(12, 2).data,
  t.int64().data,
  t.float().data,
  t.float().allowNaN().data,
  t.string().data,
  t.oneOf('b', 'a', '😀').data,
  t.boolean().data,
  t.timestamp().data,
  t.date().data,
  t.list(t.integer()).data,
]
const numeric: readonly Kind[] = ['integer', 'int64', 'float', 'decimal']
const scalar: readonly Kind[] = [...numeric, 'string', 'oneOf', 'boolean', 'timestamp', 'date']
const of = (kinds: readonly Kind[]) => types.filter(({ kind }) => kinds.includes(kind)).map((type) => [type])

/** The inputs and parameters with which each aggregate that the oracle computes by itself is tried. */
const calls: Readonly<Record<string, { inputs: readonly (readonly TypeData[])[]; parameters?: AggregateCall['parameters'] }>> = {
  count: { inputs: [[], ...of(scalar)] },
  sum: { inputs: of(numeric) },
  average: { inputs: of(numeric) },
  variancePopulation: { inputs: of(numeric) },
  varianceSample: { inputs: of(numeric) },
  deviationPopulation: { inputs: of(numeric) },
  deviationSample: { inputs: of(numeric) },
  minimum: { inputs: of(scalar) },
  maximum: { inputs: of(scalar) },
  first: { inputs: types.map((type) => [type]) },
  last: { inputs: types.map((type) => [type]) },
  firstN: { inputs: types.map((type) => [type]), parameters: { n: 3 } },
  lastN: { inputs: types.map((type) => [type]), parameters: { n: 3 } },
  collect: { inputs: types.map((type) => [type]), parameters: { limit: 5 } },
  lastDistinctN: { inputs: of(scalar), parameters: { n: 3 } },
  countDistinct: { inputs: of(scalar) },
  topK: { inputs: of(scalar), parameters: { k: 3 } },
  topKBySum: { inputs: of(scalar).flatMap(([type]) => of(numeric).map(([weight]) => [type, weight] as TypeData[])), parameters: { k: 3 } },
  histogram: { inputs: of(scalar) },
  rate: { inputs: of(['boolean']) },
  quantile: { inputs: of(numeric), parameters: { percentile: 0.9 } },
}
const folded = ['countDistinctApproximate', 'quantileApproximate', 'decayedSum', 'decayedCount']

function outcomeOf(compute: () => Cell): unknown {
  try {
    return compute()
  } catch (error) {
    if (error instanceof LockstepError) return error.code
    throw error
  }
}

test('the oracle knows every aggregate', () => {
  assert.deepEqual(Object.keys(aggregateFunctions).sort(), [...Object.keys(calls), ...folded].sort())
})

for (const [name, { inputs, parameters = {} }] of Object.entries(calls)) {
  test(`${name}: the oracle and the algebra, whatever the order, agree`, () => {
    const arbitraryCase = fc.constantFrom(...inputs).chain((ofTypes) => {
      const row = fc.tuple(
        ...ofTypes.map((type) =>
          fc.oneof(
            arbitraryCell(type),
            arbitraryCell(type).map((cell) => (typeof cell === 'number' && Number.isFinite(cell) ? Math.trunc(cell % 3) + 0 : cell)),
          ),
        ),
      )
      return fc.tuple(fc.constant(ofTypes), fc.array(row, { maxLength: 12 }), fc.infiniteStream(fc.nat()))
    })
    fc.assert(
      fc.property(arbitraryCase, ([ofTypes, rows, random]) => {
        const events = rows.map((row, index) => ({ inputs: row as Cell[], time: Math.floor(index / 2) }))
        const expected = outcomeOf(() => aggregateOf({ function: name, types: ofTypes, parameters }, events, 100))
        const aggregate = (aggregateFunctions[name] as (typeof aggregateFunctions)[string]).create(ofTypes, parameters)
        const shuffled = [...events.entries()]
          .map(([id, event]) => ({ id, event, key: random.next().value as number }))
          .sort((a, b) => a.key - b.key)
        const actual = outcomeOf(() => {
          let state = aggregate.zero()
          for (const { id, event } of shuffled)
            state = aggregate.add(state, event.inputs[0] ?? null, event.time, id, event.inputs[1] ?? null)
          return aggregate.finish(state, 100)
        })
        assert.deepEqual(actual, expected)
      }),
      { numRuns: 300 },
    )
  })
}
