import { type AnyView, effectiveMoment, FeatureView, Selection } from '../definition/index.ts'
import { LockstepError } from '../errors.ts'
import { formatMoment } from '../lib/moment.ts'
import { type GroupUse, pickFeatures, planView, type ViewPlan } from '../plan/index.ts'
import type { TrainingSet } from '../pointintime/index.ts'
import { type Cell, fromCell, type TypeData, toCell } from '../schema/index.ts'
import { Answer, checkKeyNames, type Keys, OnDemandRun, type StepInputs } from '../serving/index.ts'
import { type OnlineRequest, unequalRequests } from './online-reads.ts'

/** Builds a training set of a view for label rows, as known at their moments; keys stand in the columns named. */
export type TrainingSetOf = (
  view: AnyView,
  labels: readonly Readonly<Record<string, unknown>>[],
  options: { readonly moment: string; readonly columns: Readonly<Record<string, string>> },
) => Promise<TrainingSet<Readonly<Record<string, unknown>>>>

export type HistoryRequest = Pick<
  OnlineRequest,
  'rows' | 'shared' | 'requests' | 'moment' | 'features' | 'onDemandLimit' | 'onDemandErrors'
>

/**
 * What a read would have been answered as of its moment and as known then: history takes the place of the store, by a training set
 * of a label for each row, and all else is as in online reads. Throws what these and training sets throw.
 */
export async function answerFromHistory(view: AnyView, request: HistoryRequest, trainingSet: TrainingSetOf): Promise<Answer> {
  const { rows, shared = {}, requests = [{}], moment, features } = request
  if (requests.length !== 1 && requests.length !== rows.length) throw unequalRequests(requests.length, rows.length)
  for (const row of [shared, ...rows]) checkKeyNames(view, row)
  const whole = planView(view)
  const plan = features ? pickFeatures(whole, features) : whole
  const stored = groupValues(plan)
  const places = new Map(stored.featureNames.map((name, place) => [name, place]))
  const keys = Object.entries<TypeData>(stored.keys)
  const labels = rows.map((row) => {
    const given: Keys = { ...shared, ...row }
    const missing = keys.find(([name]) => given[name] === undefined || given[name] === null)
    if (missing) throw new LockstepError('MISSING_KEY', `The key ${missing[0]} of the view ${view.name} is missing`)
    // As their types have them, checked as those of other reads are.
    const checked = keys.map(([name, type]) => [keyColumn(name), fromCell(type, toCell(type, given[name], `key ${name}`))])
    return { as__of: formatMoment(moment), ...Object.fromEntries(checked) }
  })
  const given = requests.map((values) =>
    plan.steps.map((step) => step.request.map(({ name, type }) => toCell(type, values[name], `request value ${name}`))),
  )

  const answer = new Answer(plan, rows.length, moment)
  const inputs: StepInputs[] = []
  const columns = Object.fromEntries(keys.map(([name]) => [name, keyColumn(name)]))
  await using set = await trainingSet(stored, labels, { moment: 'as__of', columns })
  const eventTimes = await set.eventTimes()
  let row = 0
  for await (const cells of set.cells()) {
    const cell = (use: number, feature: number) => cells[places.get(valueName(use, feature)) as number] as Cell
    const known = plan.uses.map((use, index) => {
      const time = (eventTimes[index] as Float64Array)[row] as number
      answer.eventTimes[row * plan.uses.length + index] = time
      return knownOf(use, time, moment)
    })
    for (const [place, { source }] of plan.output.entries())
      if (source.from === 'group') answer.put(row, place, cell(source.use, source.feature), known[source.use] as KnownOfKey)
    inputs.push(
      plan.steps.map((step, index) => ({
        given: (given[requests.length === 1 ? 0 : row] as Cell[][])[index] as Cell[],
        known: step.known.map(({ source }) => (source.from === 'group' ? cell(source.use, source.feature) : null)),
        tooOld: false,
      })),
    )
    row++
  }
  if (plan.steps.length > 0) new OnDemandRun(plan).run(answer, inputs, request)
  answer.applyDefaults()
  return answer
}

type KnownOfKey = Parameters<Answer['put']>[3]

// Names that neither features nor keys can have where they would meet.
const keyColumn = (name: string): string => `key__${name}`
const valueName = (use: number, feature: number): string => `value_${use}_${feature}`

/** What a plan reads of groups, as a view: nothing computed on demand, nothing in place of null. */
function groupValues({ view, uses, output, steps }: ViewPlan): AnyView {
  const features = uses.map((): Record<string, string> => ({}))
  for (const { source } of [...output, ...steps.flatMap(({ known }) => known)]) {
    if (source.from !== 'group') continue
    const { plan } = uses[source.use] as GroupUse
    ;(features[source.use] as Record<string, string>)[valueName(source.use, source.feature)] = plan.features[source.feature]?.name ?? ''
  }
  const items = uses.map(
    ({ plan, keys }, use) =>
      new Selection(plan.group, features[use] as Record<string, string>, Object.fromEntries(keys.map(({ key, name }) => [key, name]))),
  )
  const keys = Object.fromEntries(uses.flatMap((use) => use.keys.map(({ name, type }) => [name, type])))
  return new FeatureView({ ...view, items, keys, request: {}, defaults: {} })
}

/** What the time of the newest event or row says of its key. */
function knownOf({ plan }: GroupUse, time: number, moment: number): KnownOfKey {
  if (Number.isNaN(time)) return 'NOT_FOUND'
  const { refresh, ttl } = plan.group
  return plan.kind === 'table' && ttl !== null && effectiveMoment(refresh, moment) - time > ttl ? 'STALE' : 'PRESENT'
}
