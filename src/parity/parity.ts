import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type AnyView, type FeatureGroupData, selectionsOf } from '../definition/index.ts'
import { LockstepError } from '../errors.ts'
import type { EventLog } from '../eventlog/index.ts'
import { seededRandom } from '../lib/seeded-random.ts'
import { temporaryName } from '../lib/temporary-names.ts'
import { Duck } from '../offline/index.ts'
import type { OnlineStore } from '../online/index.ts'
import { Interrupt } from '../pointintime/index.ts'
import type { MaterializedGroup } from './entity-rows.ts'
import { groupCase } from './group-case.ts'
import { GroupRun } from './group-run.ts'
import { type ParityOptions, paritySettings } from './options.ts'
import { addCounts, addPaths, type ParityDifference, type ParityGroup, type ParityPath, type ParityReport } from './report.ts'
import { runView } from './view-run.ts'

/** What the paths are made of. */
export interface ParityStores {
  /** A store as it serves, its files in this folder. */
  readonly online: (folder: string) => OnlineStore
  readonly memory: () => OnlineStore
  /** A log of events, its files in this folder. */
  readonly log: (folder: string) => EventLog
}

/**
 * Sends the same events through every path that computes a view's values and compares what they give, as bytes: the oracle, the
 * training set, the online store after materializing, live state in several orders of arrival, and the rows that it stores.
 */
export async function checkParity(view: AnyView, stores: ParityStores, options: ParityOptions = {}): Promise<ParityReport> {
  const started = performance.now()
  const settings = paritySettings(options)
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
        engine: { state: stores.online, log: stores.log, rows: settings.engineRows },
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
