import type { AggregateFunction } from './aggregate.ts'
import { eventList } from './event-list.ts'
import { allKinds, oneInput, readParameters } from './signature.ts'

/** The value of the newest event. Null of nothing. */
export const last: AggregateFunction = {
  name: 'last',
  inputs: 1,
  result(inputs, parameters) {
    readParameters('last', {}, parameters)
    return { ...oneInput('last', inputs, allKinds), nullable: true }
  },
  create: (inputs) => eventList(oneInput('last', inputs, allKinds), 1, 'newest', (values) => values[0] ?? null),
}
