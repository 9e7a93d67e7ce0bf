import type { AggregateFunction } from './aggregate.ts'
import { decaying, halfLifeParameter } from './decay.ts'
import { decimalFactor, floatResult, numericKinds, oneInput, readParameters } from './signature.ts'

/** The sum of the values, each of which counts for half as much with every `halfLife` since its event. 0 of nothing. */
export const decayedSum: AggregateFunction = {
  name: 'decayedSum',
  inputs: 1,
  result(inputs, parameters) {
    readParameters('decayedSum', { halfLife: halfLifeParameter }, parameters)
    return floatResult(oneInput('decayedSum', inputs, numericKinds), false)
  },
  create(inputs, parameters) {
    const { halfLife } = readParameters('decayedSum', { halfLife: halfLifeParameter }, parameters)
    return decaying(halfLife, Number, decimalFactor(oneInput('decayedSum', inputs, numericKinds)))
  },
}
