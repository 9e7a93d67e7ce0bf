import type { AnyView } from '../definition/index.ts'
import { LockstepError } from '../errors.ts'
import { formatMoment } from '../lib/moment.ts'
import { pickFeatures, planView } from '../plan/index.ts'
import type { TrainingSet } from '../pointintime/index.ts'
import { fromCell, type TypeData, toCell } from '../schema/index.ts'
import { Answer, checkKeyNames, type Keys } from '../serving/index.ts'
import { type OnlineRequest, unequalRequests } from './online-reads.ts'

/** Builds a training set of a view for label rows; keys and request values stand in the columns named. */
export type TrainingSetOf = (
  labels: readonly Readonly<Record<string, unknown>>[],
  options: { readonly moment: string; readonly columns: Readonly<Record<string, string>> },
) => Promise<TrainingSet<Readonly<Record<string, unknown>>>>

export type HistoryRequest = Pick<OnlineRequest, 'rows' | 'shared' | 'requests' | 'moment' | 'features'>

/**
 * What a read would have been answered as of its moment and as known then: a training set of a label for each row. History knows no
 * status but whether a value is null. Throws what training sets throw, `MISSING_KEY` and `INVALID_VALUE`.
 */
export async function answerFromHistory(
  view: AnyView,
  { rows, shared = {}, requests = [{}], moment, features }: HistoryRequest,
  trainingSet: TrainingSetOf,
): Promise<Answer> {
  if (requests.length !== 1 && requests.length !== rows.length) throw unequalRequests(requests.length, rows.length)
  for (const row of [shared, ...rows]) checkKeyNames(view, row)
  const whole = planView(view)
  const plan = features ? pickFeatures(whole, features) : whole
  const names = [...Object.keys(view.keys), ...Object.keys(view.request)]
  // Names that no feature can have.
  const columns = Object.fromEntries(names.map((name) => [name, `given__${name}`]))
  const labels = rows.map((row, index) => {
    const keys: Keys = { ...shared, ...row }
    const missing = Object.keys(view.keys).find((name) => keys[name] === undefined || keys[name] === null)
    if (missing) throw new LockstepError('MISSING_KEY', `The key ${missing} of the view ${view.name} is missing`)
    const given: Keys = {
      ...checked(view.keys, keys, 'key'),
      ...checked(view.request, requests[requests.length === 1 ? 0 : index] ?? {}, 'request value'),
    }
    return { as__of: formatMoment(moment), ...Object.fromEntries(names.map((name) => [`given__${name}`, given[name]])) }
  })
  const answer = new Answer(plan, rows.length, moment)
  await using set = await trainingSet(labels, { moment: 'as__of', columns })
  let row = 0
  for await (const values of set) {
    for (const [feature, { name, type }] of plan.output.entries()) {
      const value = values[name]
      answer.put(row, feature, value === null || value === undefined ? null : toCell(type, value, name))
    }
    row++
  }
  return answer
}

/** Values as their types have them, checked as those of other reads are. */
const checked = (types: Readonly<Record<string, TypeData>>, values: Keys, what: string): Keys =>
  Object.fromEntries(Object.entries(types).map(([name, type]) => [name, fromCell(type, toCell(type, values[name], `${what} ${name}`))]))
