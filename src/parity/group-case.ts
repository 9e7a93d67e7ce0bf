import { join } from 'node:path'
import { FeatureGroup, type FeatureGroupData, type History, parquet, topic } from '../definition/index.ts'
import { type Duck, quoteLiteral } from '../offline/index.ts'
import { type GroupPlan, planGroup } from '../plan/index.ts'
import type { TypeData } from '../schema/index.ts'
import { edgesOf } from './edges.ts'
import { type GroupRows, readGroupRows } from './group-rows.ts'
import { KeyTimes } from './key-times.ts'
import { chooseQuestions, type Questions, span } from './questions.ts'

/** A group with what takes part in its comparison. */
export interface GroupCase {
  /** The group over the rows that take part, with the lateness that is tried. */
  readonly group: FeatureGroup
  /** The same as a stream keeps it up to date; null where none does: tables, and groups that are computed at ticks. */
  readonly streamed: FeatureGroup | null
  readonly plan: GroupPlan
  readonly rows: GroupRows
  readonly keyTimes: KeyTimes
  readonly questions: Questions
  /** When the online store is filled, ascending; the last one after every event. */
  readonly checkpoints: readonly number[]
}

export interface CaseOptions {
  readonly history: History | undefined
  readonly keys: number
  readonly sample: number
  readonly seed: number
  /** Microseconds, instead of what the source declares. */
  readonly lateness: number | undefined
  readonly folder: string
  readonly random: (below: number) => number
  readonly advance: (rows: number) => void
}

/** Chooses the keys of a group and what is asked of them; null where its source has no row. */
export async function groupCase(duck: Duck, original: FeatureGroupData, options: CaseOptions): Promise<GroupCase | null> {
  const { history, keys, seed, advance, sample, random } = options
  const rows = await readGroupRows(duck, original, { ...(history ? { history } : {}), keys, seed, advance })
  if (rows.rows.length === 0) return null
  const path = join(options.folder, `${original.name}.parquet`)
  await writeRows(duck, rows.table, path)
  const lateness = options.lateness ?? original.source.lateness
  const group = withHistory(original, parquet(path), lateness)
  const { first, last } = span(rows.times)
  const checkpoints = [first + Math.floor((last - first) / 3), first + Math.floor(((last - first) * 2) / 3), last + 1]
  const questions = chooseQuestions(rows, { sample, edges: edgesOf(group), checkpoints, lateness, random })
  return { group, streamed: streamedGroup(group), plan: planGroup(group), rows, keyTimes: new KeyTimes(rows), questions, checkpoints }
}

/** Where the source declares no stream it gets one, keyed by the columns of the group. */
function streamedGroup(group: FeatureGroup): FeatureGroup | null {
  const { source, keys, refresh } = group
  if (source.kind !== 'events' || refresh.kind !== 'live') return null
  const stream = source.stream ?? topic(source.name, { key: Object.values(keys), partitions: 2 })
  return new FeatureGroup({ ...group, source: { ...source, stream } })
}

/** The group over rows that are as the engine holds them: moments in UTC. */
export const withHistory = (group: FeatureGroupData, history: History, lateness: number): FeatureGroup =>
  new FeatureGroup({ ...group, source: { ...group.source, history, lateness, timeZone: 'UTC' } })

/** Writes rows of a table of the engine in their order; `left`: numbers of rows to leave out. */
export async function writeRows(duck: Duck, table: string, path: string, left: readonly number[] = []): Promise<void> {
  const absent = duck.uniqueName('parity_absent')
  await duck.createTable(absent, { __place: number })
  await duck.append(absent, [number], [{ values: Float64Array.from(left), nulls: null }], left.length)
  const placed = `(SELECT *, (row_number() OVER () - 1)::DOUBLE AS __place FROM ${table})`
  await duck.run(
    `COPY (SELECT * EXCLUDE (__place) FROM ${placed} ANTI JOIN ${absent} USING (__place) ORDER BY __place) TO ${quoteLiteral(path)} (FORMAT parquet); DROP TABLE ${absent}`,
  )
}

const number: TypeData = { kind: 'float', nullable: false }
