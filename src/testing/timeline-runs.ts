import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type AnyView,
  FeatureGroup,
  type FeatureGroupData,
  rows as history,
  OnDemand,
  type Selection,
  type SourceData,
  selectionsOf,
  topic,
} from '../definition/index.ts'
import { LockstepError } from '../errors.ts'
import { formatMoment } from '../lib/moment.ts'
import { Duck, type SourceRow, sourceRows } from '../offline/index.ts'
import { oracleValues } from '../oracle/index.ts'
import { restagedView } from '../parity/index.ts'
import { fromCell, type TypeData, toCell } from '../schema/index.ts'
import type { FeatureStatus, Vector } from '../serving/index.ts'
import { openStore, type Store } from '../store/index.ts'
import type { PathAnswer } from './timeline.ts'

type Values = Readonly<Record<string, unknown>>

/** An expectation without what is expected. */
export interface Question {
  readonly keys: Values
  readonly request: Values
  /** Microseconds. */
  readonly at: number
}

export interface TimelineRun {
  readonly view: AnyView
  /** By the name of the source. */
  readonly events: Readonly<Record<string, readonly Values[]>>
  /** In order of their moments. */
  readonly questions: readonly Question[]
}

const groupsOf = (view: AnyView): FeatureGroupData[] => [...new Set(selectionsOf(view).map(({ group }) => group))]

/** The view over sources whose history are the given rows, and that have no stream. */
function viewOfHistory({ view, events }: TimelineRun): AnyView {
  return restagedView(
    view,
    groupsOf(view).map((group) => withSource(group, { history: history(events[group.source.name] ?? []), stream: null })),
  )
}

/** The same, but for its live groups of events: they have a stream and no history. */
function viewOfStream(run: TimelineRun): AnyView {
  return restagedView(
    viewOfHistory(run),
    groupsOf(run.view)
      .filter(isLive)
      .map((group) => {
        const { name, stream } = group.source
        return withSource(group, { history: null, stream: stream ?? topic(name, { key: Object.values(group.keys), partitions: 2 }) })
      }),
  )
}

const isLive = ({ source, refresh }: FeatureGroupData) => source.kind === 'events' && refresh.kind === 'live'

const withSource = (group: FeatureGroupData, change: Pick<SourceData, 'history' | 'stream'>) =>
  new FeatureGroup({ ...group, source: { ...group.source, ...change } })

/** By the rules of time alone. */
export async function askOracle(run: TimelineRun): Promise<PathAnswer[]> {
  const view = viewOfHistory(run)
  await using duck = await Duck.open()
  const rows = new Map<string, readonly SourceRow[]>()
  for (const { source } of groupsOf(view)) rows.set(source.name, await sourceRows(duck, source))
  return await eachOf(run.questions, ({ keys, request, at }) => {
    const status: Record<string, FeatureStatus> = {}
    const valuesOf = (item: Selection | OnDemand): Values => {
      if (item instanceof OnDemand) return computed(item, Object.assign({}, ...item.from.map(valuesOf)) as Values, request)
      const { group } = item
      const key = Object.fromEntries(
        Object.entries(item.keys).map(([name, column]) => [
          name,
          toCell(group.entity.keys[name] as TypeData, keys[column], `key ${column}`),
        ]),
      )
      const answer = oracleValues(group, rows.get(group.source.name) ?? [], key, at)
      return Object.fromEntries(
        Object.entries(item.features).map(([name, feature]) => {
          const cell = answer.values[feature] ?? null
          status[name] = cell === null && answer.status === 'PRESENT' ? 'NULL' : answer.status
          return [name, fromCell(group.features[feature]?.type as TypeData, cell)]
        }),
      )
    }
    return { values: Object.assign({}, ...view.items.map(valuesOf)) as Values, status }
  })
}

function computed({ name, compute }: OnDemand, known: Values, request: Values): Values {
  try {
    return compute(known, request)
  } catch (cause) {
    throw new LockstepError('ON_DEMAND_FAILED', `${name} threw ${String(cause)}`, { cause })
  }
}

/** From a training set; where it cannot be made, from one for each question, so that only those that are wrong have no answer. */
export async function askTrainingSet(run: TimelineRun): Promise<PathAnswer[]> {
  const view = viewOfHistory(run)
  await using store = await openStore({ definitions: [] })
  const answersOf = async (questions: readonly Question[]) => {
    const labels = questions.map(({ keys, request, at }) => ({ ...keys, ...request, [moment]: formatMoment(at) }))
    await using set = await store.trainingSet(view, labels, { moment })
    const answers: PathAnswer[] = []
    for await (const values of set) answers.push({ values: values as Values, status: null })
    return answers
  }
  try {
    return await answersOf(run.questions)
  } catch (error) {
    if (!(error instanceof LockstepError)) throw error
    return await eachOf(run.questions, async (question) => (await answersOf([question]))[0] as PathAnswer)
  }
}

const moment = 'timeline_moment'

/** Of an online store that is filled anew for each moment. */
export async function askOnlineStore(run: TimelineRun): Promise<PathAnswer[]> {
  const view = viewOfHistory(run)
  await using store = await openStore({ definitions: [], online: 'memory' })
  let filled = Number.NaN
  return await eachOf(run.questions, async (question) => {
    if (question.at !== filled) await store.materialize(groupsOf(view), { asOf: formatMoment(question.at) })
    filled = question.at
    return await readVector(store, view, question)
  })
}

/** Of a worker that is pushed events as time goes on; groups that no stream keeps up to date are materialized at each moment. */
export async function askStream(run: TimelineRun): Promise<PathAnswer[]> {
  const view = viewOfStream(run)
  const groups = groupsOf(view)
  const live = groups.filter(isLive)
  const sources = new Map(live.map(({ source }) => [source.name, source]))
  const folder = await mkdtemp(join(tmpdir(), 'lockstep-timeline-'))
  let now = 0
  try {
    await using store = await openStore({ definitions: groups as FeatureGroup[], folder, online: 'memory', clock: () => new Date(now) })
    await using worker = live.length > 0 ? await store.stream(live) : null
    await worker?.ready
    const taken = new Map<string, number>()
    return await eachOf(run.questions, async (question) => {
      now = Math.ceil(question.at / 1000)
      for (const source of sources.values()) {
        const rows = run.events[source.name] ?? []
        const from = taken.get(source.name) ?? 0
        const end = 1 + rows.findLastIndex((row) => momentOf(source, row[source.time]) < question.at)
        taken.set(source.name, Math.max(from, end))
        if (end > from) await store.push(source.name, rows.slice(from, end))
      }
      await store.materialize(
        groups.filter((group) => !isLive(group)),
        { asOf: formatMoment(question.at) },
      )
      return await readVector(store, view, question)
    })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** The event time of a row as it is given, in microseconds; rows that are none are refused when they are pushed. */
function momentOf({ columns, time }: SourceData, value: unknown): number {
  const type = columns[time] as TypeData
  return (toCell(type, value, time) as number) * (type.kind === 'date' ? 86_400_000_000 : 1)
}

async function readVector(store: Store, view: AnyView, { keys, request, at }: Question): Promise<PathAnswer> {
  const { values, features } = (await store.vector(view, keys, { asOf: formatMoment(at), request })) as Vector
  return { values, status: Object.fromEntries(Object.entries(features).map(([name, { status }]) => [name, status])) }
}

/** Asks one question after the other; an error is an answer. */
async function eachOf(
  questions: readonly Question[],
  ask: (question: Question) => Promise<PathAnswer> | PathAnswer,
): Promise<PathAnswer[]> {
  const answers: PathAnswer[] = []
  for (const question of questions) {
    try {
      answers.push(await ask(question))
    } catch (error) {
      if (!(error instanceof LockstepError)) throw error
      answers.push({ error: `${error.code}: ${error.message}` })
    }
  }
  return answers
}
