import type { AggregateFunction } from './aggregate.ts'
import { eventList } from './event-list.ts'
import { allKinds, listLength, listResult, oneInput, readParameters } from './signature.ts'

/** The values of all events; of more than `limit`, of the newest, oldest first. */
export const collect: AggregateFunction = {
  name: 'collect',
  inputs: 1,
  result(inputs, parameters) {
    readParameters('collect', { limit: listLength }, parameters)
    return listResult(oneInput('collect', inputs, allKinds))
  },
  create(inputs, parameters) {
    const { limit } = readParameters('collect', { limit: listLength }, parameters)
    return eventList(oneInput('collect', inputs, allKinds), limit, 'newest', (values) => values)
  },
}
