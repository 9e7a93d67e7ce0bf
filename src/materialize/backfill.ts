import { tmpdir } from 'node:os'
import { type FeatureGroupData, groupHash, live } from '../definition/index.ts'
import { LockstepError } from '../errors.ts'
import { formatDuration } from '../lib/duration.ts'
import { formatMoment } from '../lib/moment.ts'
import {
  type Batch,
  Duck,
  type Interval,
  missingIntervals,
  type OfflineStore,
  placesOf,
  prepareScan,
  quoteIdentifier,
  type Scan,
  type SourcePlaces,
  transportSql,
} from '../offline/index.ts'
import { type GroupUse, planGroup } from '../plan/index.ts'
import { engineOptions, evaluateUse, Interrupt, type Progress, valueStatistics, workersWithin } from '../pointintime/index.ts'
import type { ValueStatistics } from '../registry/index.ts'
import type { TypeData } from '../schema/index.ts'

export interface BackfillOptions extends SourcePlaces {
  /** Ticks from `from` (included) to `to` (not included) are written, in microseconds. */
  readonly from: number
  readonly to: number
  /** Microseconds between ticks; of a scheduled group its own. */
  readonly every?: number
  readonly memoryLimit?: number
  readonly threads?: number
  /** Processes that compute values; 1, this one, by default. */
  readonly workers?: number
  readonly temporaryFolder?: string
  readonly signal?: AbortSignal
  readonly progress?: (progress: Progress) => void
  /** Told, of each interval that was written, what the values of each feature are like. */
  readonly statistics?: (interval: Interval, features: ReadonlyMap<string, ValueStatistics>) => Promise<void>
}

export interface BackfillResult {
  readonly group: string
  readonly version: number
  /** Intervals written by this run, and parts of the range that were there before. */
  readonly written: readonly { readonly from: string; readonly to: string; readonly rows: number }[]
  readonly skipped: number
  readonly rows: number
  readonly seconds: number
}

/** Rows that one interval may have: little is lost when a run is killed, and few files are written. */
const intervalRows = 1_000_000

const momentType: TypeData = { kind: 'timestamp', nullable: false }
/** The column of stored values that holds the tick. */
export const tickColumn = 'as_of'

/**
 * Writes a group's values at its ticks into the offline store: for each tick, every key that was known by then. Intervals
 * that are there are left alone, so a killed run is completed by another. Throws `IMMUTABLE_VERSION` where this version was
 * written from another definition.
 */
export async function backfillGroup(group: FeatureGroupData, offline: OfflineStore, options: BackfillOptions): Promise<BackfillResult> {
  const started = performance.now()
  const interrupt = new Interrupt(options.signal, options.progress)
  const every = tickLength(group, options)
  const range: Interval = { from: Math.ceil(options.from / every) * every, to: Math.ceil(options.to / every) * every }
  if (range.from >= range.to)
    throw new LockstepError('INVALID_ARGUMENT', `There is no tick between ${formatMoment(options.from)} and ${formatMoment(options.to)}`, {
      where: `feature group ${group.name}`,
    })
  const target = { group: group.name, version: group.version }
  const intervals = await offline.intervals(target)
  const definitionHash = groupHash(group)
  const other = intervals.find((interval) => interval.definitionHash !== definitionHash)
  if (other)
    throw new LockstepError(
      'IMMUTABLE_VERSION',
      `${group.name} version ${group.version} was written from another definition on ${formatMoment(other.written)}`,
    )
  const missing = missingIntervals(intervals, range)

  await using duck = await Duck.open(engineOptions(options))
  const stop = () => duck.interrupt()
  options.signal?.addEventListener('abort', stop)
  try {
    const written: { from: string; to: string; rows: number }[] = []
    if (missing.length > 0) {
      const scan = await prepareScan(duck, group.source, placesOf(options, group.source))
      const ticks = new Ticks(duck, group, scan, every)
      interrupt.stage(`reading ${group.source.name}`)
      await ticks.findKeys()
      for (const gap of missing) {
        for (const interval of await ticks.intervals(gap)) {
          interrupt.check()
          const { table, count } = await ticks.compute(interval, options, interrupt)
          const { rows } = await offline.write(target, {
            ...interval,
            definitionHash,
            columns: ticks.columns,
            moment: tickColumn,
            rows: ticks.read(table),
            made: { source: group.source.name, files: scan.files, every: formatDuration(every) },
          })
          if (options.statistics && rows > 0) await options.statistics(interval, await valueStatistics(duck, table, ticks.features))
          written.push({ from: formatMoment(interval.from), to: formatMoment(interval.to), rows })
          interrupt.advance(count)
        }
      }
    }
    const rows = written.reduce((total, interval) => total + interval.rows, 0)
    return {
      group: group.name,
      version: group.version,
      written,
      skipped: intervals.filter(({ from, to }) => from < range.to && to > range.from).length,
      rows,
      seconds: (performance.now() - started) / 1000,
    }
  } finally {
    options.signal?.removeEventListener('abort', stop)
  }
}

function tickLength(group: FeatureGroupData, { every }: BackfillOptions): number {
  const where = `feature group ${group.name}`
  if (group.refresh.kind === 'live') {
    if (every === undefined)
      throw new LockstepError('INVALID_ARGUMENT', 'A live group has no ticks of its own', {
        where,
        remedy: "Say how far apart they are: every: '1d' (on the command line --every 1d).",
      })
    return every
  }
  if (every !== undefined && every !== group.refresh.every)
    throw new LockstepError('INVALID_ARGUMENT', `The group has ticks every ${formatDuration(group.refresh.every)} of its own`, { where })
  return group.refresh.every
}

/** The ticks of a group with the keys known by then, and its values at them. */
class Ticks {
  readonly columns: Readonly<Record<string, TypeData>>
  readonly features: Readonly<Record<string, TypeData>>
  readonly #duck: Duck
  readonly #scan: Scan
  readonly #use: GroupUse
  readonly #every: number
  readonly #keys: readonly string[]

  constructor(duck: Duck, group: FeatureGroupData, scan: Scan, every: number) {
    // At a tick a scheduled group has the value as of that very moment.
    const plan = planGroup({ ...group, refresh: live })
    const keys = Object.entries<TypeData>(group.entity.keys)
    this.#duck = duck
    this.#scan = scan
    this.#every = every
    this.#use = { plan, keys: keys.map(([key, type]) => ({ key, name: key, type })) }
    this.#keys = keys.map(([key]) => key)
    this.features = Object.fromEntries(
      plan.features.map(({ name, type }) => [name, { ...type, nullable: type.nullable || plan.kind === 'table' }]),
    )
    this.columns = { ...group.entity.keys, [tickColumn]: momentType, ...this.features }
  }

  /** Finds each key and the first tick at which it is known. */
  async findKeys(): Promise<void> {
    const { group, kind } = this.#use.plan
    const columns = this.#keys.map((key) => `s.${quoteIdentifier(group.keys[key] as string)} AS ${quoteIdentifier(keyColumn(key))}`)
    const time = `min(epoch_us(s.${quoteIdentifier(group.source.time)}::TIMESTAMP))`
    // An event is seen only after its moment, a row of a table from its moment on.
    const first = kind === 'table' ? `ceil(${time} / ${this.#every}.0)` : `floor(${time} / ${this.#every}.0) + 1`
    const present = this.#keys.map((key) => `${quoteIdentifier(group.keys[key] as string)} IS NOT NULL`).join(' AND ')
    await this.#duck.run(
      `CREATE OR REPLACE TABLE tick_keys AS SELECT ${columns.join(', ')}, (${first})::BIGINT * ${this.#every}::BIGINT AS first FROM (${this.#scan.sql}) s WHERE ${present} GROUP BY ALL`,
    )
  }

  /** Cuts a range into intervals of whole ticks that have few enough rows. */
  async intervals({ from, to }: Interval): Promise<Interval[]> {
    const [row] = await this.#duck.rows(`SELECT count(*)::DOUBLE AS count FROM tick_keys WHERE first < ${to}`)
    const ticks = Math.max(1, Math.floor(intervalRows / Math.max(1, row?.count as number)))
    const intervals: Interval[] = []
    for (let start = from; start < to; start += ticks * this.#every)
      intervals.push({ from: start, to: Math.min(to, start + ticks * this.#every) })
    return intervals
  }

  /** Computes the values of an interval into a table of the engine. */
  async compute({ from, to }: Interval, options: BackfillOptions, interrupt: Interrupt): Promise<{ table: string; count: number }> {
    const names = this.#keys.map((key) => quoteIdentifier(keyColumn(key))).join(', ')
    await this.#duck.run(
      `CREATE OR REPLACE TABLE ticks AS SELECT (row_number() OVER (ORDER BY tick, ${names})) - 1 AS __row, tick::DOUBLE AS __at, ${names} FROM tick_keys, range(${from}, ${to}, ${this.#every}) ticks(tick) WHERE first <= tick ORDER BY __row`,
    )
    const [row] = await this.#duck.rows('SELECT count(*)::DOUBLE AS count FROM ticks')
    const count = row?.count as number
    await evaluateUse(
      this.#duck,
      this.#use,
      this.#scan,
      { table: 'ticks', count },
      keyColumn,
      'tick_values',
      {
        asKnown: false,
        memoryLimit: options.memoryLimit ?? null,
        workers: workersWithin(options),
        partitions: 1,
        temporaryFolder: options.temporaryFolder ?? tmpdir(),
      },
      interrupt,
    )
    return { table: 'tick_values', count }
  }

  read(table: string): AsyncIterable<Batch> {
    const columns = Object.entries(this.columns).map(([name, type]) =>
      name === tickColumn
        ? 'ticks.__at'
        : transportSql(type, this.#keys.includes(name) ? `ticks.${quoteIdentifier(keyColumn(name))}` : `${table}.${quoteIdentifier(name)}`),
    )
    return this.#duck.stream(`SELECT ${columns.join(', ')} FROM ticks POSITIONAL JOIN ${table}`, Object.values(this.columns))
  }
}

const keyColumn = (key: string): string => `__key_${key}`
