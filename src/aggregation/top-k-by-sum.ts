import { type Cell, cellComparator, cellDecoder, cellEncoder, type TypeData } from '../schema/index.ts'
import type { Aggregate, AggregateFunction } from './aggregate.ts'
import { best } from './best.ts'
import { checkInputs, listLength, listResult, numericKinds, readParameters, scalarKinds, valueType } from './signature.ts'
import { type Total, totalOf } from './total.ts'

interface Weighed {
  count: number
  readonly total: Total
}

type State = Map<Cell, Weighed>

/** The `k` values with the largest exact sums of the weight, the largest first, ties by value. */
export const topKBySum: AggregateFunction = {
  name: 'topKBySum',
  inputs: 2,
  result(inputs, parameters) {
    readParameters('topKBySum', { k: listLength }, parameters)
    checkInputs('topKBySum', inputs, scalarKinds, numericKinds)
    return listResult(valueType(inputs[0] as TypeData))
  },
  create(inputs, parameters): Aggregate<State> {
    checkInputs('topKBySum', inputs, scalarKinds, numericKinds)
    const { k } = readParameters('topKBySum', { k: listLength }, parameters)
    const type = valueType(inputs[0] as TypeData)
    const compare = cellComparator(type)
    const encode = cellEncoder(type)
    const decode = cellDecoder(type)
    const kind = totalOf(inputs[1] as TypeData)
    const heaviestFirst = ([a, left]: [Cell, Weighed], [b, right]: [Cell, Weighed]) => right.total.compare(left.total) || compare(a, b)
    const weighed = (state: State, value: Cell): Weighed => {
      let entry = state.get(value)
      if (entry === undefined) {
        entry = { count: 0, total: new kind() }
        state.set(value, entry)
      }
      return entry
    }
    return {
      zero: () => new Map(),
      add(state, value, _time, _id, weight) {
        const entry = weighed(state, value)
        entry.count++
        entry.total.add(weight)
        return state
      },
      remove(state, value, _time, _id, weight) {
        const entry = weighed(state, value)
        entry.count--
        entry.total.remove(weight)
        if (entry.count === 0) state.delete(value)
        return state
      },
      merge(state, other) {
        for (const [value, { count, total }] of other) {
          const entry = weighed(state, value)
          entry.count += count
          entry.total.merge(total)
        }
        return state
      },
      finish: (state) => best(state, k, heaviestFirst).map(([value]) => value),
      encode(state, writer) {
        writer.unsigned(state.size)
        for (const value of [...state.keys()].sort(compare)) {
          const { count, total } = state.get(value) as Weighed
          encode(value, writer)
          total.encode(writer.unsigned(count))
        }
      },
      decode: (reader) =>
        new Map(
          Array.from(
            { length: reader.unsigned() },
            () => [decode(reader), { count: reader.unsigned(), total: kind.decode(reader) }] as const,
          ),
        ),
    }
  },
}
