import { type Cell, cellComparator, cellDecoder, cellEncoder, type TypeData } from '../schema/index.ts'
import type { Aggregate } from './aggregate.ts'

/** How many times each value occurs. -0 and 0 are one key of a Map, and so are all NaN. */
export type Tally = Map<Cell, number>

/** The aggregate whose state is a tally of the values of a scalar column. */
export function tallying(type: TypeData, finish: (tally: Tally) => Cell): Omit<Required<Aggregate<Tally>>, 'ranges' | 'rangesAtOnce'> {
  const compare = cellComparator(type)
  const encode = cellEncoder(type)
  const decode = cellDecoder(type)
  return {
    zero: () => new Map(),
    add: (state, value) => state.set(value, (state.get(value) ?? 0) + 1),
    remove(state, value) {
      const count = state.get(value) ?? 0
      if (count > 1) state.set(value, count - 1)
      else state.delete(value)
      return state
    },
    merge(state, other) {
      for (const [value, count] of other) state.set(value, (state.get(value) ?? 0) + count)
      return state
    },
    finish,
    encode(state, writer) {
      writer.unsigned(state.size)
      for (const value of [...state.keys()].sort(compare)) {
        encode(value, writer)
        writer.unsigned(state.get(value) as number)
      }
    },
    decode: (reader) => new Map(Array.from({ length: reader.unsigned() }, () => [decode(reader), reader.unsigned()] as const)),
  }
}
