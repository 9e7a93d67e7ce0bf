import type { AnyView, History } from '../definition/index.ts'
import { formatMoment } from '../lib/moment.ts'
import type { OnlineStore } from '../online/index.ts'
import { type NamedValue, planView } from '../plan/index.ts'
import { buildTrainingSet, type Interrupt, labelsFrom, type TrainingSetOptions } from '../pointintime/index.ts'
import { toCell } from '../schema/index.ts'
import { type FeatureState, type Vector, ViewReader } from '../serving/index.ts'
import { AnswerCodec, differences } from './answers.ts'
import { chooseEntityRows, type EntityRow, type MaterializedGroup } from './entity-rows.ts'
import type { ParityDifference, ParityPath } from './report.ts'
import { restagedView } from './restaged-view.ts'

export interface ViewRunOptions {
  /** Where the groups were materialized for the last time. */
  readonly online: OnlineStore
  readonly groups: readonly MaterializedGroup[]
  readonly rows: number
  readonly limit: number
  readonly random: (below: number) => number
  readonly history: Readonly<Record<string, History>>
  readonly work: Pick<TrainingSetOptions, 'threads' | 'temporaryFolder' | 'signal' | 'progress'>
  readonly interrupt: Interrupt
}

export interface ViewRunResult {
  readonly path: ParityPath
  readonly differences: readonly ParityDifference[]
}

/**
 * Whole vectors of a view against rows of its training set: keys under other names, features under prefixes and what is computed
 * on demand, from request values that are made up. Throws what the on-demand code throws at those.
 */
export async function runView(view: AnyView, options: ViewRunOptions): Promise<ViewRunResult> {
  const { online, groups, rows: count, random, interrupt } = options
  const started = performance.now()
  const plan = planView(view)
  const rows = chooseEntityRows(plan, groups, count, random)
  const codec = new AnswerCodec(plan.output.map(({ type }) => type))
  const pack = (values: Values) =>
    codec.pack({ value: (place) => cellOf(plan.output[place] as NamedValue, values), status: 'PRESENT', eventTime: null })
  const restaged = restagedView(
    view,
    groups.map(({ group }) => group),
  )
  const reader = await ViewReader.open(restaged, online)
  interrupt.stage(`reading vectors of ${view.name}`, count)
  const found: ParityDifference[] = []
  let place = 0
  let different = 0
  for await (const expected of trainingRows(view, rows, options)) {
    const row = rows[place++] as EntityRow
    const [vector] = (await reader.read([row.keys], [row.request], row.at)) as [Vector]
    const features = differences(pack(expected), pack(vector.values))
    different += features.length
    for (const feature of features.slice(0, options.limit - found.length)) {
      const { name } = plan.output[feature] as NamedValue
      const { status, eventTime } = vector.features[name] as FeatureState
      const value = (values: Values) => ({ value: values[name], status, eventTime })
      const { keys, at } = row
      const asOf = formatMoment(at)
      const what = { path: pathName, group: view.name, feature: name, key: keys, asOf, lateEvents: [], explanation: null }
      found.push({ ...what, expected: value(expected), found: value(vector.values) })
    }
    interrupt.advance(1)
  }
  const compared = rows.length * codec.features
  return {
    path: {
      path: pathName,
      questions: rows.length,
      compared,
      equal: compared - different,
      late: 0,
      different,
      unasked: 0,
      outcomes: null,
      lateRows: 0,
      refusedRows: 0,
      restarts: 0,
      seconds: (performance.now() - started) / 1000,
    },
    differences: found,
  }
}

type Values = Readonly<Record<string, unknown>>

const pathName = 'whole vectors, as materialized'

/** The rows of the training set, label columns included, in their order. */
async function* trainingRows(view: AnyView, rows: readonly EntityRow[], { history, work }: ViewRunOptions) {
  const labels = rows.map(({ keys, request, at }) => ({ ...keys, ...request, [momentColumn]: formatMoment(at) }))
  await using set = await buildTrainingSet(view, labelsFrom(labels, { moment: momentColumn }), { ...work, history })
  yield* set as AsyncIterable<Values>
}

const momentColumn = 'parity_moment'

function cellOf({ name, type }: NamedValue, values: Values) {
  const value = values[name]
  return value === null || value === undefined ? null : toCell(type, value, name)
}
