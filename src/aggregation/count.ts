import type { Aggregate, AggregateFunction } from './aggregate.ts'
import { allKinds, checkInputs, readParameters } from './signature.ts'

/** How many events; with a column, how many values that are not null. */
export const count: AggregateFunction = {
  name: 'count',
  inputs: 0,
  result(inputs, parameters) {
    checkInputs('count', inputs, ...(inputs.length === 0 ? [] : [allKinds]))
    readParameters('count', {}, parameters)
    return { kind: 'integer', nullable: false }
  },
  create: (): Aggregate<number> => ({
    zero: () => 0,
    add: (state) => state + 1,
    remove: (state) => state - 1,
    merge: (state, other) => state + other,
    finish: (state) => state,
    encode: (state, writer) => void writer.unsigned(state),
    decode: (reader) => reader.unsigned(),
    rangesAtOnce: true,
    ranges: () => (low, high) => high - low,
  }),
}
