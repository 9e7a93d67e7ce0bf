import type { AggregateFunction } from './aggregate.ts'
import { decaying, halfLifeParameter } from './decay.ts'
import { allKinds, checkInputs, readParameters } from './signature.ts'

/** How many events, each of which counts for half as much with every `halfLife` since; with a column, those where it is not null. */
export const decayedCount: AggregateFunction = {
  name: 'decayedCount',
  inputs: 0,
  result(inputs, parameters) {
    checkInputs('decayedCount', inputs, ...(inputs.length === 0 ? [] : [allKinds]))
    readParameters('decayedCount', { halfLife: halfLifeParameter }, parameters)
    return { kind: 'float', nullable: false }
  },
  create(_inputs, parameters) {
    const { halfLife } = readParameters('decayedCount', { halfLife: halfLifeParameter }, parameters)
    return decaying(halfLife, () => 1, 1)
  },
}
