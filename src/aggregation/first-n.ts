import type { AggregateFunction } from './aggregate.ts'
import { eventList } from './event-list.ts'
import { allKinds, listLength, listResult, oneInput, readParameters } from './signature.ts'

/** The values of the `n` oldest events, oldest first. */
export const firstN: AggregateFunction = {
  name: 'firstN',
  inputs: 1,
  result(inputs, parameters) {
    readParameters('firstN', { n: listLength }, parameters)
    return listResult(oneInput('firstN', inputs, allKinds))
  },
  create(inputs, parameters) {
    const { n } = readParameters('firstN', { n: listLength }, parameters)
    return eventList(oneInput('firstN', inputs, allKinds), n, 'oldest', (values) => values)
  },
}
