import { AssertionError } from 'node:assert/strict'
import { type AnyView, FeatureGroup, featureView, selectionsOf } from '../definition/index.ts'
import { LockstepError } from '../errors.ts'
import { ByteWriter } from '../lib/bytes.ts'
import { formatMoment, momentMicros } from '../lib/moment.ts'
import { suggestion } from '../lib/suggestion.ts'
import { type NamedValue, planView } from '../plan/index.ts'
import { encodeCell, fromCell, type TypeData, toCell } from '../schema/index.ts'
import {
  type PathAnswer,
  type Subject,
  type Timeline,
  type TimelineCheck,
  type TimelineDifference,
  type TimelinePath,
  timelinePaths,
} from './timeline.ts'
import { explainTimeline, showDifference } from './timeline-message.ts'
import { askOnlineStore, askOracle, askStream, askTrainingSet, type TimelineRun } from './timeline-runs.ts'

const asks: Readonly<Record<TimelinePath, (run: TimelineRun) => Promise<PathAnswer[]>>> = {
  oracle: askOracle,
  'training set': askTrainingSet,
  'online store': askOnlineStore,
  stream: askStream,
}

/**
 * Runs a timeline on every path and throws an `AssertionError` where a value is not what is expected, or where paths differ: for
 * any test runner, as the body of a test. Throws `UNKNOWN_NAME`, `MISSING_KEY` or `INVALID_VALUE` where the timeline makes no sense.
 */
export async function featureTest<S extends Subject>(timeline: Timeline<S>): Promise<void> {
  const { differences } = await checkTimeline(timeline)
  const [first] = differences
  if (!first) return
  const shown = differences.slice(0, mostShown).map(showDifference)
  const more = differences.length > mostShown ? [`and ${differences.length - mostShown} more`] : []
  const why = await explainTimeline(viewOf(timeline.of), timeline.events, timeline.expect[first.place]?.request ?? {}, first)
  const values = (of: (difference: TimelineDifference) => unknown) =>
    Object.fromEntries(differences.map((difference) => [nameOf(difference), of(difference)]))
  throw new AssertionError({
    message: [...shown, ...more, ...(why === '' ? [] : [why])].join('\n\n'),
    expected: values(({ expected }) => expected),
    actual: values(({ found, expected }) => firstOther(found, expected)),
    operator: 'featureTest',
    stackStartFn: featureTest,
  })
}

const mostShown = 10

const nameOf = ({ feature, of, keys, at }: TimelineDifference): string =>
  `${of === 'status' ? 'status of ' : ''}${feature} of ${JSON.stringify(keys)} as of ${at}`

const firstOther = (found: TimelineDifference['found'], expected: unknown): unknown =>
  Object.values(found).find((value) => JSON.stringify(value, plain) !== JSON.stringify(expected, plain))

const plain = (_name: string, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value)

/** Runs a timeline on every path and gives what differs from what is expected, or from the oracle. Throws as `featureTest` does, but for differences. */
export async function checkTimeline<S extends Subject>(timeline: Timeline<S>): Promise<TimelineCheck> {
  const view = viewOf(timeline.of)
  checkNames(view, timeline as Timeline)
  const places = timeline.expect.map(({ at }, place) => ({ place, at: momentMicros(at, `expectation ${place + 1}`) }))
  places.sort((a, b) => a.at - b.at || a.place - b.place)
  const questions = places.map(({ place, at }) => {
    const { keys = {}, request = {} } = timeline.expect[place] ?? {}
    return { keys: keys as Values, request: request as Values, at }
  })
  const run: TimelineRun = { view, events: timeline.events, questions }
  const answers = new Map<TimelinePath, readonly PathAnswer[]>()
  for (const path of timelinePaths) answers.set(path, await asks[path](run))
  const comparison = new TimelineComparison()
  const { output } = planView(view)
  for (const [order, { place, at }] of places.entries()) {
    const { keys, values = {}, status = {} } = timeline.expect[place] as Timeline['expect'][number]
    const found = timelinePaths.map((path) => [path, (answers.get(path) as readonly PathAnswer[])[order] as PathAnswer] as const)
    const about = { place, at: formatMoment(at), keys: keys as Values }
    for (const value of output) {
      comparison.values(about, value, values as Values, found)
      comparison.statuses(about, value.name, (status as Values)[value.name], found)
    }
  }
  return { compared: comparison.compared, differences: comparison.differences.sort((a, b) => a.place - b.place) }
}

type Values = Readonly<Record<string, unknown>>
type About = Pick<TimelineDifference, 'place' | 'at' | 'keys'>
type Found = readonly (readonly [TimelinePath, PathAnswer])[]

const viewOf = (subject: Subject): AnyView =>
  subject instanceof FeatureGroup ? featureView({ name: subject.name, features: [subject] }) : subject

class TimelineComparison {
  readonly differences: TimelineDifference[] = []
  compared = 0

  values(about: About, { name, type }: NamedValue, stated: Values, found: Found): void {
    const answers = found.map(([path, answer]) => [path, 'error' in answer ? answer.error : answer.values[name]] as const)
    const isStated = Object.hasOwn(stated, name)
    const failed = found.some(([, answer]) => 'error' in answer)
    const expected = isStated ? publicForm(type, stated[name], name) : answers[0]?.[1]
    this.compared += answers.length
    if (!failed && answers.every(([, value]) => bytesOf(type, value) === bytesOf(type, expected))) return
    this.#differ({ ...about, feature: name, of: 'value', expected, stated: isStated, found: Object.fromEntries(answers) })
  }

  /** Paths that tell none are left out, and so are errors, which are told of the value. */
  statuses(about: About, name: string, stated: unknown, found: Found): void {
    const answers = found.flatMap(([path, answer]) => {
      const status = 'error' in answer ? undefined : answer.status?.[name]
      return status === undefined ? [] : [[path, status] as const]
    })
    const expected = stated ?? answers[0]?.[1]
    this.compared += answers.length
    if (answers.every(([, status]) => status === expected)) return
    this.#differ({ ...about, feature: name, of: 'status', expected, stated: stated !== undefined, found: Object.fromEntries(answers) })
  }

  #differ(difference: TimelineDifference): void {
    this.differences.push(difference)
  }
}

/** As the feature's own values are: `'12.5'` is `'12.50'`, a `Date` its ISO text. */
function publicForm(type: TypeData, value: unknown, where: string): unknown {
  const nullable = { ...type, nullable: true }
  return fromCell(nullable, toCell(nullable, value, where))
}

function bytesOf(type: TypeData, value: unknown): string {
  const nullable = { ...type, nullable: true }
  const writer = new ByteWriter()
  encodeCell(nullable, toCell(nullable, value), writer)
  return Buffer.from(writer.finish()).toString('hex')
}

/** Refuses sources, keys and features that the view does not have. */
function checkNames(view: AnyView, { events, expect }: Timeline): void {
  const check = (what: string, names: Iterable<string>, known: readonly string[]) => {
    for (const name of names) {
      if (!known.includes(name)) throw new LockstepError('UNKNOWN_NAME', `${view.name} has no ${what} ${name}${suggestion(name, known)}`)
    }
  }
  check('source', Object.keys(events), [...new Set(selectionsOf(view).map(({ group }) => group.source.name))])
  for (const { keys, values = {}, status = {} } of expect) {
    check('key', Object.keys(keys as Values), Object.keys(view.keys))
    check('feature', Object.keys(values), view.featureNames)
    check('feature', Object.keys(status), view.featureNames)
  }
}
