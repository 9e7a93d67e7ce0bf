import type { Catalogue, Entity, FeatureGroupData } from '../definition/index.ts'
import type { EventLog } from '../eventlog/index.ts'
import type { Clock } from '../lib/clock.ts'
import { Duck, LandedHistory, type OfflineStore, type SourcePlaces } from '../offline/index.ts'
import type { OnlineStore } from '../online/index.ts'
import { isStreamed } from '../plan/index.ts'
import type { Registry, TrainingSetRecord } from '../registry/index.ts'
import { takeUnits } from '../stream/index.ts'
import { forgetFeatureLogs, forgetKeptReads, forgetSampled, forgetSources } from './forget-files.ts'
import { withholdStatistics } from './forget-statistics.ts'
import { forgetLanded, forgetOffline, forgetOnline } from './forget-stores.ts'
import { forgetTopics } from './forget-topics.ts'
import { forgetTrainingSets } from './forget-training-sets.ts'
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
  /** Whether definitions of any environment and any time say what it holds; else rows were found by the bytes of the subject's values. */
  readonly known: boolean
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
  /** Of a log that cannot erase single records, such as Kafka: removes all records up to the last one of the subject, also of others. */
  readonly truncateLog?: boolean
  /** Erases too what holds values of the subject in tables, topics and files of which nobody says what they are. */
  readonly eraseUnknown?: boolean
}

export interface ForgetParts {
  readonly registry: Registry
  readonly environment: string
  /** What the environment has or had. */
  readonly catalogue: Catalogue
  /** What the others have or had. */
  readonly elsewhere: Catalogue
  readonly online: OnlineStore
  readonly offline: OfflineStore
  readonly log: EventLog
  readonly clock: Clock
  /** Where the embedded stores keep their files, and where streams land. */
  readonly folder: string
  readonly landingFolder: string
  /** Where sources are read: other places of their histories, and what has landed. */
  readonly places: SourcePlaces
  /** Training sets that were recorded. */
  readonly trainingSets: readonly TrainingSetRecord[]
  /** The name of this machine, as training sets have it. */
  readonly machine: string
}

/** What each kind of place is worked on with. */
export interface Forgetting extends Omit<ForgetParts, 'elsewhere'> {
  readonly subject: Subject
  /** As the definitions of other environments describe it. */
  readonly elsewhere: Subject
  readonly duck: Duck
  readonly landing: LandedHistory
  readonly options: Required<ForgetOptions>
}

/** Milliseconds in which workers notice that their units were taken, and begin again. */
const settle = 2500
const mostRounds = 4
/** Workers land what they read after ten seconds. */
const mostWaits = 6

interface Round {
  readonly places: readonly ForgottenPlace[]
  /** Records that stay in the log, and that workers have not stored yet. */
  readonly unread: number
}

/**
 * Erases one subject from everything that the store keeps. Each file is replaced by one without its rows, so that a kill leaves the old
 * or the new one; what is done twice changes nothing. Workers that run lose what they have in memory and begin again from what is
 * stored; what they had read ahead, and wrote meanwhile, is erased in another round.
 */
export async function forgetSubject(
  parts: ForgetParts,
  entity: Entity,
  keys: Readonly<Record<string, unknown>>,
  options: ForgetOptions = {},
): Promise<ForgetReport> {
  const subject = new Subject(parts.catalogue, entity, keys)
  const elsewhere = new Subject(parts.elsewhere, entity, keys)
  const { dryRun = false, rewriteSources = false, rewriteTrainingSets = false, truncateLog = false, eraseUnknown = false } = options
  await using duck = await Duck.open({ threads: 1 })
  await using landing = new LandedHistory(parts.landingFolder)
  const wishes = { dryRun, rewriteSources, rewriteTrainingSets, truncateLog, eraseUnknown }
  const forgetting: Forgetting = { ...parts, subject, elsewhere, duck, landing, options: wishes }
  // First of all: who begins again after a kill does not see any more what was touched.
  const statistics = await withholdStatistics(forgetting)
  let { places, unread } = await round(forgetting)
  const told = places
  const hasErased = () => places.some(({ before, after }) => before !== after)
  const streamed = streamedGroups(forgetting)
  for (let rounds = 1, waits = 0; !dryRun && (hasErased() ? rounds < mostRounds : unread > 0 && waits < mostWaits); ) {
    if (hasErased()) rounds++
    else waits++
    const taken = hasErased() && streamed.length > 0 ? await takeUnits(streamed, parts.online, parts.clock) : 0
    if (taken > 0 || unread > 0) await parts.clock.sleep(settle)
    ;({ places, unread } = await round(forgetting))
  }
  const sampled = dryRun ? [] : await forgetSampled(forgetting)
  const merged = told.map((place) => ({ ...place, after: lastOf(places, place)?.after ?? (place.after === null ? null : 0) }))
  const late = places.filter((place) => !lastOf(told, place))
  const all = [...withMore([...merged, ...late], sampled), ...statistics, ...derivedPlaces(subject, told)]
  return {
    entity: entity.name,
    keys: Object.fromEntries(subject.keys.map(({ name, cell }) => [name, String(cell)])),
    dryRun,
    places: all,
    elsewhere: (await parts.registry.applies.environments()).filter((name) => name !== parts.environment),
    complete: all.every(({ after }) => after === 0),
  }
}

/** What was found once more counts with what was found of a place before. */
function withMore(places: readonly ForgottenPlace[], more: readonly ForgottenPlace[]): ForgottenPlace[] {
  const added = places.map((place) => {
    const found = lastOf(more, place)
    if (!found) return place
    return { ...place, files: [...new Set([...place.files, ...found.files])], before: (place.before ?? 0) + (found.before ?? 0) }
  })
  return [...added, ...more.filter((place) => !lastOf(places, place))]
}

const lastOf = (places: readonly ForgottenPlace[], { place, name, known }: ForgottenPlace): ForgottenPlace | undefined =>
  places.find((one) => one.place === place && one.name === name && one.known === known)

/** Whose units have read what is erased, or land it. */
const streamedGroups = ({ subject, options }: Pick<Forgetting, 'subject' | 'options'>) =>
  [...subject.groups, ...(options.eraseUnknown ? subject.derived : [])].filter(isStreamed)

/** Logs first: what is read from them again is not to come back. Then those who have read them, then rows, then files. */
async function round(forgetting: Forgetting): Promise<Round> {
  const { online, clock, options } = forgetting
  const topics = await forgetTopics(forgetting)
  const rows = await forgetOnline({ ...forgetting, options: { ...options, dryRun: true } })
  const isTouched = rows.length > 0 || topics.places.some(({ before, after }) => before !== after)
  if (!options.dryRun && isTouched) await takeUnits(streamedGroups(forgetting), online, clock)
  const places = [...topics.places, ...(options.dryRun ? rows : await forgetOnline(forgetting))]
  for (const forget of [forgetLanded, forgetOffline, forgetSources, forgetTrainingSets, forgetFeatureLogs, forgetKeptReads])
    places.push(...(await forget(forgetting)))
  return { places, unread: topics.unread }
}

/** What other entities' rows hold of its events is gone only when they are computed again. */
function derivedPlaces(subject: Subject, places: readonly ForgottenPlace[]): ForgottenPlace[] {
  if (places.length === 0) return []
  const found = new Set(places.map(({ name }) => name))
  const isOf = ({ source }: FeatureGroupData) =>
    subject.sourceRows(source).length > 0 || found.has(source.name) || (source.stream !== null && found.has(source.stream.topic))
  return subject.derived.filter(isOf).map((group) => ({
    place: 'derived',
    name: `${group.name}@${group.version}`,
    files: [],
    before: null,
    after: null,
    known: true,
    note: `It is of another entity, and may hold values of the subject's events: lockstep ${
      isStreamed(group) ? `replay ${group.name}` : `materialize ${group.name} --rebuild`
    }.`,
  }))
}
