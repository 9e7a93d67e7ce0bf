import { mkdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type AnyView, type FeatureGroupData, type History, selectionsOf } from '../definition/index.ts'
import { LockstepError } from '../errors.ts'
import { type Duration, durationMicros } from '../lib/duration.ts'
import { seededRandom } from '../lib/seeded-random.ts'
import { temporaryName } from '../lib/temporary-names.ts'
import { Duck } from '../offline/index.ts'
import type { OnlineStore } from '../online/index.ts'
import { Interrupt, type TrainingSetOptions } from '../pointintime/index.ts'
import type { MaterializedGroup } from './entity-rows.ts'
import { groupCase } from './group-case.ts'
import { GroupRun } from './group-run.ts'
import { addCounts, addPaths, type ParityDifference, type ParityGroup, type ParityPath, type ParityReport } from './report.ts'
import { runView } from './view-run.ts'

export interface ParityOptions extends Pick<TrainingSetOptions, 'threads' | 'temporaryFolder' | 'signal' | 'progress'> {
  /** Rows of each group around whose edges values are compared. Default: 1,000. */
  readonly sample?: number
  /** Keys of each group that take part, with all their rows. Default: 10,000. */
  readonly keys?: number
  /** Rows that the oracle may look at for each group: it looks at all of a key for every value. Default: 2,000,000. */
  readonly oracleRows?: number
  /** Another seed asks other questions and sends events in other orders. Default: 1. */
  readonly seed?: number
  /** Another lateness to try than the sources declare. */
  readonly lateness?: Duration
  /** How many differences of each path are described. Default: 5. */
  readonly limit?: number
  /** Other places of sources' histories, by the name of the source. */
  readonly history?: Readonly<Record<string, History>>
}

/** What the paths are made of. */
export interface ParityStores {
  /** A store as it serves, its files in this folder. */
  readonly online: (folder: string) => OnlineStore
  readonly memory: () => OnlineStore
}

/**
 * Sends the same events through every path that computes a view's values and compares what they give, as bytes: the oracle, the
 * training set, the online store after materializing, live state in several orders of arrival, and the rows that it stores.
 */
export async function checkParity(view: AnyView, stores: ParityStores, options: ParityOptions = {}): Promise<ParityReport> {
  const started = performance.now()
  const settings = checked(options)
  const { seed, threads, signal, progress, history } = settings
  const interrupt = new Interrupt(signal, progress)
  const folder = join(settings.temporaryFolder, temporaryName('lockstep-'))
  await mkdir(folder, { mode: 0o700 })
  const shared = { temporaryFolder: folder, ...(threads ? { threads } : {}) }
  const work = { ...shared, folder, ...(signal ? { signal } : {}), ...(progress ? { progress } : {}) }
  await using duck = await Duck.open(shared)
  const online = stores.online(join(folder, 'online'))
  const groups: ParityGroup[] = []
  const paths: ParityPath[] = []
  const differences: ParityDifference[] = []
  const lateDifferences: ParityDifference[] = []
  const notes: string[] = []
  const materialized: MaterializedGroup[] = []
  try {
    for (const original of groupsOf(view)) {
      const random = seededRandom(seed)
      const own = history?.[original.source.name]
      interrupt.stage(`reading ${original.source.name}`)
      const one = await groupCase(duck, original, { ...settings, history: own, folder, random, advance: (rows) => interrupt.advance(rows) })
      if (one === null) {
        notes.push(`The source ${original.source.name} of ${original.name} has no row.`)
        continue
      }
      const found = await GroupRun.all(one, {
        duck,
        original,
        history: own,
        online,
        newStore: stores.memory,
        work: { ...work, ...(own ? { history: own } : {}) },
        random,
        interrupt,
        oracleCost: settings.oracleRows,
        limit: settings.limit,
      })
      const { name, version, source } = original
      const { allKeys, rows, known } = one.rows
      groups.push({ name, version, source: source.name, keys: known, allKeys, rows: rows.length, questions: one.questions.count })
      paths.push(...found.paths)
      differences.push(...found.differences)
      lateDifferences.push(...found.lateDifferences)
      await duck.run(`DROP TABLE ${one.rows.table}`)
      materialized.push({ group: one.group, keys: one.rows.keys.slice(0, one.rows.known), upto: one.checkpoints.at(-1) as number })
    }
    try {
      const whole = { online, groups: materialized, rows: settings.sample, limit: settings.limit, random: seededRandom(seed), interrupt }
      const found = await runView(view, { ...whole, history: history ?? {}, work: shared })
      paths.push(found.path)
      differences.push(...found.differences)
    } catch (error) {
      if (!(error instanceof LockstepError) || error.code !== 'ON_DEMAND_FAILED') throw error
      notes.push(`Whole vectors were not compared, as request values are made up and the code does not take them: ${error.message}`)
    }
  } finally {
    await online.close()
    await rm(folder, { recursive: true, force: true })
  }
  const all = addPaths(paths)
  const total = addCounts(all)
  return {
    view: { name: view.name, version: view.version },
    seed,
    groups,
    paths: all,
    total,
    proven: total.compared > 0 && total.different === 0 && all.every(({ refusedRows }) => refusedRows === 0),
    differences,
    lateDifferences,
    notes,
    seconds: (performance.now() - started) / 1000,
  }
}

/** The groups that a view reads, each once. */
const groupsOf = (view: AnyView): FeatureGroupData[] => [...new Set(selectionsOf(view).map(({ group }) => group))]

function checked(options: ParityOptions) {
  const {
    sample = 1_000,
    keys = 10_000,
    oracleRows = 2_000_000,
    seed = 1,
    limit = 5,
    lateness,
    temporaryFolder = tmpdir(),
    ...rest
  } = options
  for (const [name, value, least] of [
    ['sample', sample, 1],
    ['keys', keys, 1],
    ['oracleRows', oracleRows, 0],
    ['seed', seed, 0],
    ['limit', limit, 0],
  ] as const) {
    if (!Number.isSafeInteger(value) || value < least)
      throw new LockstepError('INVALID_ARGUMENT', `${name} is ${value} and should be a whole number from ${least}`)
  }
  return {
    ...rest,
    sample,
    keys,
    oracleRows,
    seed,
    limit,
    temporaryFolder,
    lateness: lateness === undefined ? undefined : durationMicros(lateness, 'lateness', true),
  }
}
