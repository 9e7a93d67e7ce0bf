import type { Catalogue, Entity, History } from '../definition/index.ts'
import type { EventLog } from '../eventlog/index.ts'
import type { Clock } from '../lib/clock.ts'
import { Duck, LandedHistory, type OfflineStore } from '../offline/index.ts'
import type { OnlineStore } from '../online/index.ts'
import { isStreamed } from '../plan/index.ts'
import type { Registry } from '../registry/index.ts'
import { takeUnits } from '../stream/index.ts'
import { forgetFeatureLogs, forgetKeptReads, forgetSources, forgetTrainingSets } from './forget-files.ts'
import { forgetLanded, forgetOffline, forgetOnline, forgetTopics } from './forget-stores.ts'
import { Subject } from './subject.ts'

/** Something that held rows of the subject, or may. */
export interface ForgottenPlace {
  readonly place:
    | 'online'
    | 'log'
    | 'landed'
    | 'offline'
    | 'source'
    | 'training set'
    | 'feature log'
    | 'kept reads'
    | 'statistics'
    | 'derived'
  /** The table, topic, group, source or view. */
  readonly name: string
  readonly files: readonly string[]
  /** Rows of the subject; null where that cannot be known. */
  readonly before: number | null
  readonly after: number | null
  /** What it means, or what is left to be done. */
  readonly note: string
}

export interface ForgetReport {
  readonly entity: string
  readonly keys: Readonly<Record<string, string>>
  readonly dryRun: boolean
  /** Only those that hold something of the subject, or may. */
  readonly places: readonly ForgottenPlace[]
  /** Environments that have stores of their own, which were not looked at. */
  readonly elsewhere: readonly string[]
  /** Whether nothing of the subject is left that could be erased. */
  readonly complete: boolean
}

export interface ForgetOptions {
  /** Only looks. */
  readonly dryRun?: boolean
  /** Rewrites the files of sources too, which are not the store's. */
  readonly rewriteSources?: boolean
  /** Rewrites training sets that were recorded. */
  readonly rewriteTrainingSets?: boolean
}

export interface ForgetParts {
  readonly registry: Registry
  readonly environment: string
  readonly catalogue: Catalogue
  readonly online: OnlineStore
  readonly offline: OfflineStore
  readonly log: EventLog
  readonly clock: Clock
  /** Where the embedded stores keep their files, and where streams land. */
  readonly folder: string
  readonly landingFolder: string
  /** Other places of sources' histories. */
  readonly history: Readonly<Record<string, History>>
  /** Training sets that were recorded. */
  readonly trainingSets: readonly { readonly view: string; readonly path: string }[]
}

/** What each kind of place is worked on with. */
export interface Forgetting extends ForgetParts {
  readonly subject: Subject
  readonly duck: Duck
  readonly landing: LandedHistory
  readonly options: Required<ForgetOptions>
}

/** Milliseconds in which workers notice that their units were taken, and begin again. */
const settle = 2500
const mostRounds = 4

/**
 * Erases one subject from everything that the store keeps. Each file is replaced by one without its rows, so that a kill leaves the old
 * or the new one; what is done twice changes nothing. Workers that run lose what they have in memory and begin again from what is
 * stored; what they had read ahead, and wrote meanwhile, is erased in another round.
 */
export async function forgetSubject(
  parts: ForgetParts,
  entity: Entity,
  keys: Readonly<Record<string, unknown>>,
  { dryRun = false, rewriteSources = false, rewriteTrainingSets = false }: ForgetOptions = {},
): Promise<ForgetReport> {
  const subject = new Subject(parts.catalogue, entity, keys)
  await using duck = await Duck.open({ threads: 1 })
  await using landing = new LandedHistory(parts.landingFolder)
  // First of all: who begins again after a kill does not see any more what was touched.
  const statistics = await withholdStatistics(parts, subject, dryRun)
  const forgetting = { ...parts, subject, duck, landing, options: { dryRun, rewriteSources, rewriteTrainingSets } }
  let places = await round(forgetting)
  const told = places
  for (
    let rounds = 1;
    !dryRun && rounds < mostRounds && places.some(({ before, after }) => before !== null && before !== after);
    rounds++
  ) {
    const streamed = subject.groups.filter(isStreamed)
    if (streamed.length > 0 && (await takeUnits(streamed, parts.online, parts.clock)) > 0) await parts.clock.sleep(settle)
    places = await round(forgetting)
  }
  const merged = told.map((place) => ({ ...place, after: lastOf(places, place)?.after ?? (place.after === null ? null : 0) }))
  const late = places.filter((place) => !lastOf(told, place))
  const all = [...merged, ...late, ...statistics, ...derivedPlaces(subject, told)]
  return {
    entity: entity.name,
    keys: Object.fromEntries(subject.keys.map(({ name, cell }) => [name, String(cell)])),
    dryRun,
    places: all,
    elsewhere: (await parts.registry.applies.environments()).filter((name) => name !== parts.environment),
    complete: all.every(({ after }) => after === 0),
  }
}

const lastOf = (places: readonly ForgottenPlace[], { place, name }: ForgottenPlace): ForgottenPlace | undefined =>
  places.find((one) => one.place === place && one.name === name)

/** Logs first: what is read from them again is not to come back. Then those who have read them, then rows, then files. */
async function round(forgetting: Forgetting): Promise<ForgottenPlace[]> {
  const { subject, online, clock, options } = forgetting
  const places = await forgetTopics(forgetting)
  const rows = await forgetOnline({ ...forgetting, options: { ...options, dryRun: true } })
  if (!options.dryRun && places.length + rows.length > 0) await takeUnits(subject.groups.filter(isStreamed), online, clock)
  places.push(...(options.dryRun ? rows : await forgetOnline(forgetting)))
  for (const forget of [forgetLanded, forgetOffline, forgetSources, forgetTrainingSets, forgetFeatureLogs, forgetKeptReads])
    places.push(...(await forget(forgetting)))
  return places
}

/** The least, the greatest and the most frequent values may be those of one subject. */
async function withholdStatistics({ registry, environment }: ForgetParts, { groups }: Subject, dryRun: boolean): Promise<ForgottenPlace[]> {
  const places: ForgottenPlace[] = []
  for (const { name, version } of groups) {
    const group = `${name}@${version}`
    const count = await registry.statistics.withhold(environment, group, { dryRun })
    const note = 'Extremes, quantiles, ranges and frequent values of statistics are withheld; counts and means stay.'
    if (count > 0) places.push({ place: 'statistics', name: group, files: [], before: count, after: dryRun ? count : 0, note })
  }
  return places
}

/** What other entities' rows hold of its events is gone only when they are computed again. */
function derivedPlaces(subject: Subject, places: readonly ForgottenPlace[]): ForgottenPlace[] {
  if (places.length === 0) return []
  return subject.derived.map((group) => ({
    place: 'derived',
    name: `${group.name}@${group.version}`,
    files: [],
    before: null,
    after: null,
    note: `It is of another entity, and may hold values of the subject's events: lockstep ${
      isStreamed(group) ? `replay ${group.name}` : `materialize ${group.name} --rebuild`
    }.`,
  }))
}
