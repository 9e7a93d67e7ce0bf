import type { AggregateFunction } from './aggregate.ts'
import { oneInput, readParameters, scalarKinds } from './signature.ts'
import { tallying } from './tally.ts'

/** How many different values, exactly. */
export const countDistinct: AggregateFunction = {
  name: 'countDistinct',
  inputs: 1,
  result(inputs, parameters) {
    oneInput('countDistinct', inputs, scalarKinds)
    readParameters('countDistinct', {}, parameters)
    return { kind: 'integer', nullable: false }
  },
  create: (inputs) => tallying(oneInput('countDistinct', inputs, scalarKinds), (tally) => tally.size),
}
