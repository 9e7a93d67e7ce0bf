import { mkdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type AnyView, FeatureView, parquet, Selection } from '../definition/index.ts'
import { LockstepError } from '../errors.ts'
import { type Duration, durationMicros } from '../lib/duration.ts'
import { formatMoment } from '../lib/moment.ts'
import { temporaryName } from '../lib/temporary-names.ts'
import { Duck, quoteIdentifier, quoteLiteral, type SourcePlaces } from '../offline/index.ts'
import { type OutputValue, planView, type ViewPlan } from '../plan/index.ts'
import { buildTrainingSet, type Explanation, explainFeature, Interrupt, type TrainingSetOptions } from '../pointintime/index.ts'
import { fromCell } from '../schema/index.ts'
import { type DifferingRow, differingRows, expectedColumn, usesOf } from './served-comparison.ts'
import { ServedHistory } from './served-history.ts'
import { keyColumn, openServedLog, type ServedLog, servedKeys } from './served-log.ts'
import { type FoundReason, ServedReasons } from './served-reasons.ts'
import { type ServedDifference, type ServedParityReport, type ServedReason, servedReasons } from './served-report.ts'

export interface ServedParityOptions
  extends Pick<TrainingSetOptions, 'threads' | 'memoryLimit' | 'temporaryFolder' | 'signal' | 'progress'> {
  /** How far the state of a group may be behind what was known: since it was materialized, or by the lag of its stream. Default: 1d. */
  readonly behind?: Duration
  /** How many differences of each reason are described. Default: 5. */
  readonly limit?: number
}

/** Rows whose differences are looked into; those beyond are unexplained. */
const mostDiffering = 50_000
const mostEvents = 3

/**
 * Computes each value of a feature log again from history, as of the moment it was asked for, compares the bytes, and finds why
 * those differ that do. Throws `SOURCE_NOT_FOUND` where the log holds nothing of the view, and what training sets throw.
 */
export async function checkServedParity(
  view: AnyView,
  folder: string,
  sources: SourcePlaces,
  options: ServedParityOptions = {},
): Promise<ServedParityReport> {
  const started = performance.now()
  const { behind = '1d', limit = 5, temporaryFolder = tmpdir(), signal, progress, threads, memoryLimit } = options
  if (!Number.isSafeInteger(limit) || limit < 0) throw new LockstepError('INVALID_ARGUMENT', `limit is ${limit}, not a whole number from 0`)
  const interrupt = new Interrupt(signal, progress)
  const plan = planView(view)
  const own = join(temporaryFolder, temporaryName('lockstep-'))
  await mkdir(own, { mode: 0o700, recursive: true })
  try {
    await using duck = await Duck.open({ temporaryFolder: own, ...(threads ? { threads } : {}) })
    interrupt.stage('reading the feature log')
    const log = await openServedLog(duck, plan, folder)
    const keys = await servedKeys(duck, view, log)
    const work = {
      ...sources,
      temporaryFolder: own,
      ...(threads ? { threads } : {}),
      ...(memoryLimit ? { memoryLimit } : {}),
      ...(signal ? { signal } : {}),
      ...(progress ? { progress } : {}),
    }
    const expected = await expectedValues(duck, plan, keys, own, work)
    interrupt.stage(`comparing ${view.name}`, log.vectors)
    let compared = 0
    let differing = 0
    const rows: DifferingRow[] = []
    const different = Object.fromEntries(servedReasons.map((reason) => [reason, 0])) as Record<ServedReason, number>
    for await (const row of differingRows(duck, plan, log, expected, (values) => {
      compared += values
      interrupt.advance(1)
    })) {
      interrupt.check()
      differing += row.features.length
      if (rows.length < mostDiffering) rows.push(row)
      else different.unexplained += row.features.length
    }
    interrupt.stage('finding reasons', rows.length)
    const history = await ServedHistory.open(
      duck,
      plan,
      keys,
      rows.map(({ place }) => place),
      sources,
      interrupt,
    )
    const reasons = rows.length === 0 ? [] : await new ServedReasons(plan, history, durationMicros(behind, 'behind', true)).find(rows)
    let mostBehind = 0
    for (const found of reasons) {
      for (const { reason, asked } of found.values()) {
        different[reason]++
        if (asked.behind) mostBehind = Math.max(mostBehind, asked.known - asked.behind.upto)
      }
    }
    const described = await describe(view, plan, rows, reasons, history, limit, { ...sources, ...(threads ? { threads } : {}) })
    return {
      view: { name: view.name, version: view.version },
      reads: log.reads,
      vectors: log.vectors,
      from: log.from === null ? null : formatMoment(log.from),
      to: log.to === null ? null : formatMoment(log.to),
      compared,
      equal: compared - differing,
      different,
      mostBehind,
      proven: compared > 0 && different.unexplained === 0,
      differences: described,
      notes: notesOf(plan, log, rows.length),
      seconds: (performance.now() - started) / 1000,
    }
  } finally {
    await rm(own, { recursive: true, force: true })
  }
}

/** The values of groups in a training set whose labels are the logged rows, as a table of the engine. */
async function expectedValues(duck: Duck, plan: ViewPlan, keys: string, folder: string, work: TrainingSetOptions): Promise<string> {
  const [labels, output] = [join(folder, 'labels.parquet'), join(folder, 'expected.parquet')]
  const columns = Object.fromEntries(Object.keys(plan.view.keys).map((name) => [name, keyColumn(name)]))
  const names = Object.values(columns).map(quoteIdentifier).join(', ')
  await duck.run(
    `COPY (SELECT __place AS served__place, make_timestamp(__at::BIGINT) AS served__at, ${names} FROM ${keys} ORDER BY __place) TO ${quoteLiteral(labels)} (FORMAT parquet)`,
  )
  const items = plan.uses.map((use, place) => {
    const features = use.plan.features.map(({ name }, feature) => [expectedColumn(place, feature), name])
    return new Selection(use.plan.group, Object.fromEntries(features), Object.fromEntries(use.keys.map(({ key, name }) => [key, name])))
  })
  const groupsOnly = new FeatureView({ ...plan.view, items, request: {}, defaults: {} })
  {
    await using set = await buildTrainingSet(groupsOnly, { history: parquet(labels), moment: 'served__at', columns }, work)
    await set.write(output, { overwrite: true, format: 'parquet', ...(work.signal ? { signal: work.signal } : {}) })
  }
  const table = duck.uniqueName('expected')
  await duck.run(`CREATE TABLE ${table} AS SELECT served__place AS __place, * FROM read_parquet(${quoteLiteral(output)})`)
  return table
}

/** The first differences of each reason, with the events that they lack. */
async function describe(
  view: AnyView,
  plan: ViewPlan,
  rows: readonly DifferingRow[],
  reasons: readonly ReadonlyMap<number, FoundReason>[],
  history: ServedHistory,
  limit: number,
  sources: SourcePlaces & Pick<TrainingSetOptions, 'threads'>,
): Promise<ServedDifference[]> {
  const described = new Map<ServedReason, ServedDifference[]>(servedReasons.map((reason) => [reason, []]))
  for (const [index, row] of rows.entries()) {
    for (const [feature, { reason, asked, late }] of reasons[index] ?? []) {
      const some = described.get(reason) as ServedDifference[]
      if (some.length >= limit) continue
      const { name, type } = plan.output[feature] as OutputValue
      const { cell, status } = row.served.get(feature) ?? { cell: null, status: 'NULL' }
      const names = reason === 'knownLater' || reason === 'behind' || reason === 'late'
      some.push({
        reason,
        feature: name,
        readId: row.readId,
        key: row.keys,
        asOf: formatMoment(row.moment),
        servedAt: formatMoment(row.known),
        served: { value: fromCell(type, cell), status },
        expected: fromCell(type, row.expected[feature] ?? null),
        events: names ? await history.missed(asked, asked.behind ? [asked.behind.use] : usesOf(plan, feature), mostEvents, late) : [],
        explanation: reason === 'unexplained' ? await explained(view, name, row, sources) : null,
      })
    }
  }
  return [...described.values()].flat()
}

async function explained(view: AnyView, feature: string, row: DifferingRow, sources: SourcePlaces): Promise<Explanation | null> {
  try {
    return await explainFeature(view, feature, row.keys, { ...sources, asOf: row.moment, request: row.request })
  } catch (error) {
    // On-demand code that fails on these values: the difference itself is told.
    if (error instanceof LockstepError && error.code !== 'INTERRUPTED') return null
    throw error
  }
}

function notesOf({ output }: ViewPlan, { features, unknown }: ServedLog, differing: number): string[] {
  const absent = output.filter((_, place) => !features.includes(place)).map(({ name }) => name)
  return [
    ...(unknown.length > 0 ? [`The log holds features that the view does not have: ${unknown.join(', ')}.`] : []),
    ...(absent.length > 0 ? [`Features that were never asked for are not compared: ${absent.join(', ')}.`] : []),
    ...(differing === mostDiffering ? [`Only the first ${mostDiffering} vectors that differ were looked into.`] : []),
  ]
}
