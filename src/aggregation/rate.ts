import type { Aggregate, AggregateFunction } from './aggregate.ts'
import { oneInput, readParameters } from './signature.ts'

interface Share {
  count: number
  hits: number
}

/** The share of true among the values that are not null. Null of nothing. */
export const rate: AggregateFunction = {
  name: 'rate',
  inputs: 1,
  result(inputs, parameters) {
    oneInput('rate', inputs, ['boolean'])
    readParameters('rate', {}, parameters)
    return { kind: 'float', nullable: true }
  },
  create(): Aggregate<Share> {
    const share = (hits: number, count: number) => (count === 0 ? null : hits / count)
    let hitsBefore = new Float64Array(1024)
    const between = (low: number, high: number) => share((hitsBefore[high] as number) - (hitsBefore[low] as number), high - low)
    return {
      zero: () => ({ count: 0, hits: 0 }),
      add(state, value) {
        state.count++
        state.hits += Number(value)
        return state
      },
      remove(state, value) {
        state.count--
        state.hits -= Number(value)
        return state
      },
      merge(state, other) {
        state.count += other.count
        state.hits += other.hits
        return state
      },
      finish: ({ hits, count }) => share(hits, count),
      encode: ({ hits, count }, writer) => void writer.unsigned(count).unsigned(hits),
      decode: (reader) => ({ count: reader.unsigned(), hits: reader.unsigned() }),
      ranges(values, count) {
        if (count >= hitsBefore.length) hitsBefore = new Float64Array(count * 2)
        for (let index = 0; index < count; index++) hitsBefore[index + 1] = (hitsBefore[index] as number) + Number(values[index])
        return between
      },
    }
  },
}
