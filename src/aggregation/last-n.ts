import type { AggregateFunction } from './aggregate.ts'
import { eventList } from './event-list.ts'
import { allKinds, listLength, listResult, oneInput, readParameters } from './signature.ts'

/** The values of the `n` newest events, oldest first. */
export const lastN: AggregateFunction = {
  name: 'lastN',
  inputs: 1,
  result(inputs, parameters) {
    readParameters('lastN', { n: listLength }, parameters)
    return listResult(oneInput('lastN', inputs, allKinds))
  },
  create(inputs, parameters) {
    const { n } = readParameters('lastN', { n: listLength }, parameters)
    return eventList(oneInput('lastN', inputs, allKinds), n, 'newest', (values) => values)
  },
}
