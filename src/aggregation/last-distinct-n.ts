import type { Cell } from '../schema/index.ts'
import type { Aggregate, AggregateFunction } from './aggregate.ts'
import { type Entry, entryCodec, entryComparator, entryOf } from './event-list.ts'
import { listLength, listResult, oneInput, readParameters, scalarKinds } from './signature.ts'

/** The `n` values seen last, each once, in the order of their last events, newest first. */
export const lastDistinctN: AggregateFunction = {
  name: 'lastDistinctN',
  inputs: 1,
  result(inputs, parameters) {
    readParameters('lastDistinctN', { n: listLength }, parameters)
    return listResult(oneInput('lastDistinctN', inputs, scalarKinds))
  },
  /** The state is the newest entry of each of those values, newest first. */
  create(inputs, parameters): Aggregate<Entry[]> {
    const type = oneInput('lastDistinctN', inputs, scalarKinds)
    const { n } = readParameters('lastDistinctN', { n: listLength }, parameters)
    const compare = entryComparator(type)
    const insert = (entries: Entry[], entry: Entry) => {
      const known = entries.findIndex((other) => Object.is(other.value, entry.value))
      if (known >= 0 && compare(entries[known] as Entry, entry) >= 0) return
      if (known >= 0) entries.splice(known, 1)
      const older = entries.findIndex((other) => compare(other, entry) < 0)
      entries.splice(older < 0 ? entries.length : older, 0, entry)
      if (entries.length > n) entries.pop()
    }
    return {
      zero: () => [],
      add(state, value, time, id) {
        insert(state, entryOf(value, time, id))
        return state
      },
      merge(state, other) {
        for (const entry of other) insert(state, entry)
        return state
      },
      finish: (state) => state.map((entry) => entry.value),
      ...entryCodec(type),
      rangesAtOnce: true,
      ranges: (values) => (low, high) => {
        const seen = new Set<Cell>()
        for (let index = high - 1; index >= low && seen.size < n; index--) seen.add(values[index] as Cell)
        return [...seen]
      },
    }
  },
}
