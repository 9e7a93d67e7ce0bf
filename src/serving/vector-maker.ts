import { formatMoment } from '../lib/moment.ts'
import type { ViewPlan } from '../plan/index.ts'
import { type Cell, fromCell } from '../schema/index.ts'
import type { Answer } from './answer.ts'
import { namedValues } from './named-values.ts'
import { type FeatureState, type FeatureStatus, featureStatuses, type Vector } from './vector.ts'

/** Makes vectors of public values of the answers to a plan. */
export function vectorMaker({ output, uses }: ViewPlan): (answer: Answer) => Vector[] {
  const names = output.map(({ name }) => name)
  const nameValues = namedValues<unknown>(names)
  const nameStates = namedValues<FeatureState>(names)
  const onDemand = uses.length
  const useOf = output.map(({ source }) => (source.from === 'group' ? source.use : onDemand))
  return (answer) => {
    const asOf = formatMoment(answer.moment)
    const vectors: Vector[] = []
    for (let row = 0; row < answer.rows; row++) {
      // The features of a group share their states.
      const states = new Map<number, FeatureState>()
      const stateOf = (use: number, code: number): FeatureState => {
        const shared = states.get(use * featureStatuses.length + code)
        if (shared) return shared
        const time = use === onDemand ? Number.NaN : (answer.eventTimes[row * uses.length + use] as number)
        const state = { status: featureStatuses[code] as FeatureStatus, eventTime: Number.isNaN(time) ? null : formatMoment(time) }
        states.set(use * featureStatuses.length + code, state)
        return state
      }
      const first = row * output.length
      const values = output.map(({ type }, place) => fromCell(type, answer.cells[first + place] as Cell))
      const features = useOf.map((use, place) => stateOf(use, answer.statuses[first + place] as number))
      vectors.push({ values: nameValues(values), features: nameStates(features), asOf })
    }
    return vectors
  }
}
