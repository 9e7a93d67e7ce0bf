import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { type AnyView, type FeatureGroupData, selectionsOf, type TrainingRowOf } from '../definition/index.ts'
import { LockstepError } from '../errors.ts'
import {
  featuresBehind,
  groupDatasets,
  groupStatistics,
  type RunningWork,
  viewDatasets,
  WorkLog,
  type WorkLogOptions,
} from '../governance/index.ts'
import { type Duration, durationMicros } from '../lib/duration.ts'
import { type Moment, momentMicros } from '../lib/moment.ts'
import {
  type BackfillResult,
  backfillGroup,
  type MaterializeOptions,
  type MaterializeResult,
  materializeGroup,
} from '../materialize/index.ts'
import type { SourcePlaces } from '../offline/index.ts'
import {
  buildTrainingSet,
  type LabelOptions,
  labelsFrom,
  type TrainingSet,
  type TrainingSetManifest,
  type TrainingSetOptions,
} from '../pointintime/index.ts'
import type { FeatureStatistics, RunKind, ValueStatistics } from '../registry/index.ts'
import type { Stores } from './stores.ts'

export type LongWork = Pick<TrainingSetOptions, 'memoryLimit' | 'threads' | 'temporaryFolder' | 'signal' | 'progress'>
export type MaterializeWork = LongWork &
  Pick<MaterializeOptions, 'rebuild'> & {
    readonly asOf?: Moment
    /** Who has it done, as the registry records it; who opened the store by default. */
    readonly by?: string
  }
export type BackfillWork = LongWork & { readonly from: Moment; readonly to: Moment; readonly every?: Duration }
export type TrainingWork = LabelOptions & Omit<TrainingSetOptions, keyof SourcePlaces | 'begun' | 'written'>

export interface HistoryWorkParts extends Omit<WorkLogOptions, 'registry' | 'environment'> {
  readonly stores: Stores
  readonly places: (groups: readonly FeatureGroupData[]) => Promise<SourcePlaces>
  /** Whether what is computed is described by statistics, too. */
  readonly statistics: boolean
}

const subjectOf = ({ name, version }: { readonly name: string; readonly version: number }): string => `${name}@${version}`

/** What a store computes from history: training sets, the online store, values at ticks. The registry is told of all of it. */
export class HistoryWork {
  readonly #parts: HistoryWorkParts
  readonly #log: WorkLog

  constructor(parts: HistoryWorkParts) {
    const { stores, by, now, warn, openLineage } = parts
    this.#parts = parts
    this.#log = new WorkLog({ registry: () => stores.registry, environment: stores.environment, by, now, warn, openLineage })
  }

  /** A training set that nobody is told of. */
  async compute<View extends AnyView, const Label>(
    view: View,
    labels: string | readonly Label[],
    options: TrainingWork & Pick<TrainingSetOptions, 'begun' | 'written'>,
  ): Promise<TrainingSet<TrainingRowOf<View, Label>>> {
    const { moment, columns, timeZone, ...rest } = options
    const given = labelsFrom(labels as string, {
      ...(moment === undefined ? {} : { moment }),
      ...(columns === undefined ? {} : { columns }),
      ...(timeZone === undefined ? {} : { timeZone }),
    })
    return await buildTrainingSet<View, Label>(view, given, { ...rest, ...(await this.#parts.places(groupsOf(view))) })
  }

  /** A training set of which the registry is told once it is written, or failed; of what was refused for what was asked it is not. */
  async trainingSet<View extends AnyView, const Label>(
    view: View,
    labels: string | readonly Label[],
    options: TrainingWork,
  ): Promise<TrainingSet<TrainingRowOf<View, Label>>> {
    const { history } = await this.#parts.places([])
    const datasets = (path: string) => () => viewDatasets(view, path, history)
    // Where it goes to is known once it is written.
    const unwritten = () => ({ ...datasets('')(), outputs: [] })
    let run = null as RunningWork | null
    const begun = async () => {
      run = await this.#log.begin('train', `view:${subjectOf(view)}`, { datasets: unwritten })
    }
    const written = async (set: TrainingSet<unknown>, path: string, manifest: TrainingSetManifest) => {
      await run?.done({ rows: set.rows, bytes: statSync(path).size }, datasets(path))
      await this.#log.aside(() => this.#written(view, set, resolve(path), manifest))
    }
    try {
      return await this.compute<View, Label>(view, labels, { ...options, begun, written })
    } catch (error) {
      await run?.failed(error)
      throw error
    }
  }

  /** Does other work on a store, and records it as a run. */
  async recorded<T>(kind: RunKind, subject: string, work: () => Promise<T>): Promise<T> {
    return await this.#log.run(kind, subject, work, () => ({ rows: 0, bytes: 0 }))
  }

  /** As `recorded`, of what erases a subject: a message might name it, so only its code is kept. */
  async forgetting<T>(entity: string, work: () => Promise<T>): Promise<T> {
    const running = await this.#log.begin('forget', entity)
    try {
      const result = await work()
      await running.done({ rows: 0, bytes: 0 })
      return result
    } catch (error) {
      await running.failed(new LockstepError(error instanceof LockstepError ? error.code : 'INTERNAL', 'Who asked for it was told why'))
      throw error
    }
  }

  async materialize(groups: readonly FeatureGroupData[], options: MaterializeWork): Promise<MaterializeResult[]> {
    const { asOf, by, ...rest } = options
    const { stores, places } = this.#parts
    const results: MaterializeResult[] = []
    const online = await stores.ownOnline('write')
    for (const group of groups) {
      const upto = this.#moment(asOf)
      const sources = await places([group])
      const work = () => materializeGroup(group, online, { ...rest, upto, ...sources })
      const datasets = () => groupDatasets(group, stores.environment, 'online', sources.history)
      const amount = ({ written, bytes }: MaterializeResult) => ({ rows: written, bytes })
      results.push(await this.#log.run('materialize', subjectOf(group), work, amount, { datasets, by }))
      if (this.#parts.statistics) await this.#log.aside(() => this.#describe(group, 'materialize', upto, rest))
    }
    return results
  }

  async backfill(group: FeatureGroupData, { from, to, every, ...rest }: BackfillWork): Promise<BackfillResult> {
    const { stores, places, statistics } = this.#parts
    const name = subjectOf(group)
    const options = {
      ...rest,
      from: momentMicros(from, 'from'),
      to: momentMicros(to, 'to'),
      ...(every === undefined ? {} : { every: durationMicros(every, 'every') }),
      ...(await places([group])),
      ...(statistics
        ? {
            statistics: async (interval: { from: number; to: number }, found: ReadonlyMap<string, ValueStatistics>) => {
              const features = [...found].map(([feature, values]) => ({ group: name, feature, values }))
              await this.#log.statistics({ ...interval, origin: 'backfill', features })
            },
          }
        : {}),
    }
    return await this.#log.run(
      'backfill',
      name,
      () => backfillGroup(group, stores.offline, options),
      ({ rows }) => ({ rows, bytes: 0 }),
      { datasets: () => groupDatasets(group, stores.environment, 'offline', options.history) },
    )
  }

  /** What the values of a group are like now or as of a moment, for a sample of its keys; kept in the registry. */
  async statistics(group: FeatureGroupData, { asOf, ...rest }: LongWork & { readonly asOf?: Moment } = {}): Promise<FeatureStatistics[]> {
    return await this.#log.run(
      'statistics',
      subjectOf(group),
      () => this.#describe(group, 'request', this.#moment(asOf), rest),
      (found) => ({ rows: found[0]?.count ?? 0, bytes: 0 }),
    )
  }

  async #written(of: AnyView, set: TrainingSet<unknown>, path: string, { view, labels, rows }: TrainingSetManifest): Promise<void> {
    const features = set.columns.filter(({ type }) => type !== null).map(({ name }) => name)
    const about = {
      view: view.name,
      version: view.version,
      hash: view.hash,
      features,
      reads: featuresBehind(of, features),
      labels,
      rows,
      path,
    }
    const trainingSet = await this.#log.trainingSet(about)
    const moments = await set.moments()
    if (!this.#parts.statistics || !moments) return
    const all = (await set.statistics()).map(({ group, ...rest }) => ({ group: subjectOf(group), ...rest }))
    await this.#log.statistics({ ...moments, origin: 'train', trainingSet, features: all })
  }

  async #describe(group: FeatureGroupData, origin: 'materialize' | 'request', asOf: number, work: LongWork): Promise<FeatureStatistics[]> {
    const places = await this.#parts.places([group])
    const { statistics, sampledKeys } = await groupStatistics(group, { ...work, asOf, places })
    const features = statistics.map(({ group: own, ...rest }) => ({ group: subjectOf(own), ...rest }))
    return await this.#log.statistics({ from: asOf, to: asOf, origin, sampledKeys, features })
  }

  #moment(asOf: Moment | undefined): number {
    return asOf === undefined ? this.#parts.now() : momentMicros(asOf, 'asOf')
  }
}

export const groupsOf = (view: AnyView): FeatureGroupData[] => [...new Set(selectionsOf(view).map(({ group }) => group))]
