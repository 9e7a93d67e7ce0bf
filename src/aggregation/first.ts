import type { AggregateFunction } from './aggregate.ts'
import { eventList } from './event-list.ts'
import { allKinds, oneInput, readParameters } from './signature.ts'

/** The value of the oldest event. Null of nothing. */
export const first: AggregateFunction = {
  name: 'first',
  inputs: 1,
  result(inputs, parameters) {
    readParameters('first', {}, parameters)
    return { ...oneInput('first', inputs, allKinds), nullable: true }
  },
  create: (inputs) => eventList(oneInput('first', inputs, allKinds), 1, 'oldest', (values) => values[0] ?? null),
}
