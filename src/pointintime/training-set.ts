import { tmpdir } from 'node:os'
import { type AnyView, groupHash, onDemandHash, type SourceData, type TrainingRowOf, viewHash } from '../definition/index.ts'
import { LockstepError } from '../errors.ts'
import { formatMoment } from '../lib/moment.ts'
import {
  cellAt,
  Duck,
  physicalType,
  placesOf,
  prepareScan,
  quoteLiteral,
  type RowReport,
  type Scan,
  type SourcePlaces,
  transportSql,
} from '../offline/index.ts'
import { type GroupUse, type OutputValue, planView, type ValueSource, type ViewPlan } from '../plan/index.ts'
import type { ValueStatistics } from '../registry/index.ts'
import { type Cell, fromCell, type TypeData } from '../schema/index.ts'
import { Interrupt, type Progress, quoteIdentifier } from './context.ts'
import { evaluateUse } from './evaluate-use.ts'
import { newestEventTimes } from './event-times.ts'
import { LabelRows } from './label-rows.ts'
import { type Labels, labelKey, type StagedLabels, stageLabels } from './labels.ts'
import { engineOptions, workersWithin } from './memory-budget.ts'
import { computeSteps, stepColumn } from './on-demand-values.ts'
import { type Split, splitSql } from './split.ts'
import { valueStatistics } from './value-statistics.ts'
import { type TrainingSetManifest, type WriteOptions, writeTrainingSet } from './write-training-set.ts'

export interface TrainingSetOptions extends SourcePlaces {
  /** Read as known at each label's moment: only rows whose known time has come by then. Off by default. */
  readonly asKnown?: boolean
  /** Adds a column `split` by time or by a hash of a key. */
  readonly split?: Split
  /** Bytes that the work may use in all; data beyond it go in partitions by key through the temporary folder. */
  readonly memoryLimit?: number
  /** Threads of the engine that reads and writes files. */
  readonly threads?: number
  /** Processes that compute values, each a partition of the keys; 1, this one, by default. */
  readonly workers?: number
  /** Deals the keys into at least so many partitions, whatever the memory limit. */
  readonly partitions?: number
  readonly temporaryFolder?: string
  readonly signal?: AbortSignal
  readonly progress?: (progress: Progress) => void
  /** Called once the labels are found: until then the work is refused for how it was asked for. */
  readonly begun?: () => Promise<void>
  /** Told of each file that the training set was written to. */
  readonly written?: (set: TrainingSet<unknown>, path: string, manifest: TrainingSetManifest) => Promise<void>
}

/** What the values of a feature of a group or an on-demand view are like in a training set. */
export interface TrainingStatistics {
  readonly group: { readonly name: string; readonly version: number }
  readonly feature: string
  readonly values: ValueStatistics
}

/** A column of a training set. Those of the labels have no type: they are as they came. */
export interface TrainingColumn {
  readonly name: string
  readonly type: TypeData | null
}

/**
 * A training set: every label once, in its order, with all its columns and the view's values as of its moment.
 * Iterate it, or write it to a file; close it when done (or use `await using`).
 */
export class TrainingSet<Row = Record<string, unknown>> implements AsyncIterable<Row>, AsyncDisposable {
  readonly rows: number
  readonly columns: readonly TrainingColumn[]
  /** Of the sources that set invalid rows aside: how many were read and set aside, and why. */
  readonly reports: readonly RowReport[]
  readonly #duck: Duck
  readonly #select: string
  readonly #transport: string
  readonly #labels: LabelRows
  readonly #manifest: Omit<TrainingSetManifest, 'nulls' | 'created'>
  readonly #plan: ViewPlan
  readonly #eventTimes: (use: GroupUse) => Promise<Float64Array>
  readonly #written: TrainingSetOptions['written']

  constructor(
    duck: Duck,
    parts: {
      plan: ViewPlan
      eventTimes: (use: GroupUse) => Promise<Float64Array>
      written: TrainingSetOptions['written']
      rows: number
      columns: readonly TrainingColumn[]
      reports: readonly RowReport[]
      select: string
      transport: string
      labels: LabelRows
      manifest: Omit<TrainingSetManifest, 'nulls' | 'created'>
    },
  ) {
    this.#duck = duck
    this.rows = parts.rows
    this.columns = parts.columns
    this.reports = parts.reports
    this.#select = parts.select
    this.#transport = parts.transport
    this.#labels = parts.labels
    this.#manifest = parts.manifest
    this.#plan = parts.plan
    this.#eventTimes = parts.eventTimes
    this.#written = parts.written
  }

  /** Writes the rows, and beside them a manifest `<path>.manifest.json`. Nothing is visible at `path` until all is written. */
  async write(path: string, options: WriteOptions = {}): Promise<TrainingSetManifest> {
    const manifest = await writeTrainingSet(this.#duck, this.#select, this.columns, this.#manifest, path, options)
    await this.#written?.(this as TrainingSet<unknown>, path, manifest)
    return manifest
  }

  /** The first and the last moment of the labels, in microseconds; null where there are none. */
  async moments(): Promise<{ readonly from: number; readonly to: number } | null> {
    const [row] = await this.#duck.rows('SELECT min(__at)::DOUBLE AS first, max(__at)::DOUBLE AS last FROM labels')
    return this.rows === 0 ? null : { from: row?.first as number, to: row?.last as number }
  }

  /**
   * Of each group that the view reads, by the place of its use in the plan, when the newest event or row that each label sees happened,
   * in microseconds; NaN: nothing is known of its key. For some thousands of labels: each looks at the whole history of its key.
   */
  async eventTimes(): Promise<readonly Float64Array[]> {
    const times: Float64Array[] = []
    for (const use of this.#plan.uses) times.push(await this.#eventTimes(use))
    return times
  }

  /** What the values of each feature are like, as the view gives them. */
  async statistics(): Promise<TrainingStatistics[]> {
    const { output, uses, steps } = this.#plan
    const found = await valueStatistics(this.#duck, `(${this.#select})`, Object.fromEntries(output.map(({ name, type }) => [name, type])))
    return output.map(({ name, source }) => {
      const values = found.get(name) as ValueStatistics
      const step = source.from === 'step' ? steps[source.step] : undefined
      if (step) return { group: step.onDemand, feature: name, values }
      const plan = uses[source.from === 'group' ? source.use : 0]?.plan as GroupUse['plan']
      return { group: plan.group, feature: plan.features[source.feature]?.name ?? name, values }
    })
  }

  /** The rows in order, label columns as JavaScript values and features in their public form. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Row, void, undefined> {
    const features = this.columns.filter(({ type }) => type !== null)
    const types = this.#types()
    let first = 0
    for await (const batch of this.#batches()) {
      const own = await this.#labels.read(first, batch.count)
      for (let row = 0; row < batch.count; row++) {
        const values: Record<string, unknown> = own[row] ?? {}
        features.forEach(({ name }, index) => {
          values[name] = fromCell(
            types[index] as TypeData,
            cellAt(types[index] as TypeData, batch.columns[index] as (typeof batch.columns)[number], row),
          )
        })
        yield values as Row
      }
      first += batch.count
    }
  }

  /** The features of each row, in the order of both. */
  async *cells(): AsyncGenerator<readonly Cell[], void, undefined> {
    const types = this.#types()
    for await (const { count, columns } of this.#batches())
      for (let row = 0; row < count; row++) yield types.map((type, index) => cellAt(type, columns[index] as (typeof columns)[number], row))
  }

  #types(): TypeData[] {
    return this.#plan.output.map(({ type }) => ({ ...type, nullable: true }))
  }

  #batches(): ReturnType<Duck['stream']> {
    const types = this.#types()
    return this.#duck.stream(this.#transport, types.length === 0 ? [{ kind: 'float', nullable: false }] : types)
  }

  async close(): Promise<void> {
    await this.#duck.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

/**
 * Builds the training set of a view for labels. Throws `SOURCE_NOT_FOUND`, `SOURCE_SCHEMA`, `ROW_REFUSED`, `MISSING_KEY`,
 * `INVALID_VALUE`, `DUPLICATE_NAME`, `ON_DEMAND_FAILED`, or `INTERRUPTED` once the signal is aborted.
 */
export async function buildTrainingSet<View extends AnyView, Label = Record<string, unknown>>(
  view: View,
  labels: Labels,
  options: TrainingSetOptions = {},
): Promise<TrainingSet<TrainingRowOf<View, Label>>> {
  const plan = planView(view)
  const interrupt = new Interrupt(options.signal, options.progress)
  const temporaryFolder = options.temporaryFolder ?? tmpdir()
  const duck = await Duck.open(engineOptions(options))
  const stop = () => duck.interrupt()
  options.signal?.addEventListener('abort', stop)
  try {
    interrupt.check()
    interrupt.stage('reading labels')
    const staged = await stageLabels(duck, plan, labels, options.begun)
    refuseDuplicates(plan, staged, options.split !== undefined)
    const scans = await openScans(duck, plan, options, interrupt)
    for (const [index, use] of plan.uses.entries()) {
      const { scan } = scans.get(use.plan.group.source.name) as OpenScan
      await evaluateUse(
        duck,
        use,
        scan,
        staged,
        labelKey,
        `values_${index}`,
        {
          asKnown: options.asKnown ?? false,
          memoryLimit: options.memoryLimit ?? null,
          workers: workersWithin(options),
          partitions: options.partitions ?? 1,
          temporaryFolder,
        },
        interrupt,
      )
    }
    const from = ['labels', ...plan.uses.map((_, index) => `values_${index}`)].join(' POSITIONAL JOIN ')
    if (plan.steps.length > 0) {
      interrupt.stage('computing on demand', staged.count)
      await computeSteps(duck, plan, from, (source) => columnSql(plan, source), 'steps', interrupt)
    }
    const reports = await Promise.all(
      [...scans.values()].filter(({ source }) => source.invalidRows === 'setAside').map(({ scan }) => scan.report()),
    )
    const eventTimes = (use: GroupUse) =>
      newestEventTimes(duck, use, (scans.get(use.plan.group.source.name) as OpenScan).scan, staged, labelKey, options.asKnown ?? false)
    return new TrainingSet(duck, { ...describe(duck, plan, staged, from, reports, options), eventTimes })
  } catch (error) {
    await duck.close()
    if (options.signal?.aborted) throw new LockstepError('INTERRUPTED', 'Stopped before the training set was complete', { cause: error })
    throw error
  } finally {
    options.signal?.removeEventListener('abort', stop)
  }
}

function describe(
  duck: Duck,
  plan: ViewPlan,
  staged: StagedLabels,
  from: string,
  reports: readonly RowReport[],
  options: TrainingSetOptions,
) {
  const { view, output, steps } = plan
  const source = steps.length > 0 ? `${from} POSITIONAL JOIN steps` : from
  const columns: TrainingColumn[] = [
    ...staged.columns.map(({ name }) => ({ name, type: null })),
    ...(options.split ? [{ name: 'split', type: null }] : []),
    ...output.map(({ name, type }) => ({ name, type })),
  ]
  const labelNames = staged.columns.map(({ name }) => name)
  const split = options.split ? `${splitSql(options.split, labelNames)} AS split` : ''
  const labelColumns = [...labelNames.map((name) => `labels.${quoteIdentifier(name)}`), ...(split ? [split] : [])].join(', ')
  const features = output.map((value) => `, ${outputSql(plan, value)} AS ${quoteIdentifier(value.name)}`).join('')
  const transport = output.map((value) => transportSql(value.type, outputSql(plan, value))).join(', ')
  const groups = [
    ...new Map(
      plan.uses.map(({ plan: { group } }) => [group.name, { name: group.name, version: group.version, hash: groupHash(group) }]),
    ).values(),
  ]
  return {
    plan,
    written: options.written,
    rows: staged.count,
    columns,
    reports,
    select: `SELECT ${labelColumns}${features} FROM ${source}`,
    transport: `SELECT ${transport || '0::DOUBLE'} FROM ${source}`,
    labels: new LabelRows(duck, staged, options.split ? [split] : []),
    manifest: {
      view: { name: view.name, version: view.version, hash: viewHash(view) },
      groups,
      onDemand: plan.steps.map(({ onDemand }) => ({ name: onDemand.name, version: onDemand.version, hash: onDemandHash(onDemand) })),
      labels: { rows: staged.count, hash: staged.hash },
      asKnown: options.asKnown ?? false,
      split: options.split ?? null,
      rows: staged.count,
      sources: reports.map(({ source: name, rows, setAside }) => ({ name, rows, setAside })),
    },
  }
}

/** A value of the vector, with what its view declares in place of null. */
function outputSql(plan: ViewPlan, { type, source, default: standIn }: OutputValue): string {
  const column = `CAST(${columnSql(plan, source)} AS ${physicalType(type)})`
  if (standIn === null) return column
  const text = type.kind === 'timestamp' ? formatMoment(standIn as number).replace('Z', '') : String(fromCell(type, standIn))
  return `COALESCE(${column}, CAST(${quoteLiteral(text)} AS ${physicalType(type)}))`
}

function columnSql(plan: ViewPlan, source: ValueSource): string {
  if (source.from === 'step') {
    const feature = plan.steps[source.step]?.features[source.feature]
    return `steps.${quoteIdentifier(stepColumn(source.step, feature?.name ?? ''))}`
  }
  const feature = (plan.uses[source.use] as GroupUse).plan.features[source.feature]
  return `values_${source.use}.${quoteIdentifier(feature?.name ?? '')}`
}

function refuseDuplicates(plan: ViewPlan, staged: StagedLabels, split: boolean): void {
  for (const name of [...plan.output.map((value) => value.name), ...(split ? ['split'] : [])]) {
    if (staged.columns.some((column) => column.name === name))
      throw new LockstepError('DUPLICATE_NAME', `The labels have a column ${name}, which is also a column of the training set`, {
        remedy: 'Rename the column of the labels.',
      })
  }
}

interface OpenScan {
  readonly source: SourceData
  readonly scan: Scan
}

async function openScans(duck: Duck, plan: ViewPlan, options: TrainingSetOptions, interrupt: Interrupt): Promise<Map<string, OpenScan>> {
  const scans = new Map<string, OpenScan>()
  const sources = new Map<string, SourceData>(plan.uses.map(({ plan: { group } }) => [group.source.name, group.source]))
  for (const [name, source] of sources) {
    interrupt.stage(`opening ${name}`)
    scans.set(name, {
      source,
      scan: await prepareScan(duck, source, { versions: options.asKnown ? 'all' : 'latest', ...placesOf(options, source) }),
    })
  }
  return scans
}
