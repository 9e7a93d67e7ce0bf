import { fromCell } from '../schema/index.ts'
import type { AggregateFunction } from './aggregate.ts'
import { oneInput, readParameters, scalarKinds } from './signature.ts'
import { tallying } from './tally.ts'

/** How many times each value occurs, as a struct from the text of the value to the count. */
export const histogram: AggregateFunction = {
  name: 'histogram',
  inputs: 1,
  result(inputs, parameters) {
    oneInput('histogram', inputs, scalarKinds)
    readParameters('histogram', {}, parameters)
    return { kind: 'struct', nullable: false }
  },
  create(inputs) {
    const type = oneInput('histogram', inputs, scalarKinds)
    return tallying(type, (tally) => {
      const counts = new Map([...tally].map(([value, count]) => [String(fromCell(type, value)), count]))
      // Written by hand, as objects of JavaScript put keys that look like whole numbers first.
      const members = [...counts.keys()].sort().map((text) => `${JSON.stringify(text)}:${counts.get(text)}`)
      return `{${members.join(',')}}`
    })
  },
}
