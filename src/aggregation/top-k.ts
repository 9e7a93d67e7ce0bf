import { type Cell, cellComparator } from '../schema/index.ts'
import type { AggregateFunction } from './aggregate.ts'
import { best } from './best.ts'
import { listLength, listResult, oneInput, readParameters, scalarKinds } from './signature.ts'
import { tallying } from './tally.ts'

/** The `k` most frequent values, the most frequent first, ties by value. */
export const topK: AggregateFunction = {
  name: 'topK',
  inputs: 1,
  result(inputs, parameters) {
    readParameters('topK', { k: listLength }, parameters)
    return listResult(oneInput('topK', inputs, scalarKinds))
  },
  create(inputs, parameters) {
    const { k } = readParameters('topK', { k: listLength }, parameters)
    const type = oneInput('topK', inputs, scalarKinds)
    const compare = cellComparator(type)
    const mostFirst = ([a, countOfA]: [Cell, number], [b, countOfB]: [Cell, number]) => countOfB - countOfA || compare(a, b)
    return tallying(type, (tally) => best(tally, k, mostFirst).map(([value]) => value))
  },
}
