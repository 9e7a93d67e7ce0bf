import { access } from 'node:fs/promises'
import type { FeatureGroupData } from '../definition/index.ts'
import { LockstepError } from '../errors.ts'
import { momentMicros } from '../lib/moment.ts'
import { countRows, matchSql, placesOf, prepareScan, quoteIdentifier, type RowMatch } from '../offline/index.ts'
import type { FeatureStatistics, TrainingSetRecord } from '../registry/index.ts'
import type { Forgetting, ForgottenPlace } from './forget.ts'
import { rowFileOf } from './forget-training-sets.ts'

/**
 * The least, the greatest and the most frequent values may be those of one subject: they are withheld in statistics that were made of
 * its rows, and in those of which that cannot be known any more. To be done before its rows are erased, which tell it.
 */
export async function withholdStatistics(forgetting: Forgetting): Promise<ForgottenPlace[]> {
  const { registry, environment, options } = forgetting
  const reasons = new StatisticsReasons(forgetting)
  const withheld = await registry.statistics.withhold(environment, (one) => reasons.of(one), { dryRun: options.dryRun })
  const scrubbed = options.dryRun || !registry.documents.scrub || (await registry.documents.scrub())
  const left = [
    ...(scrubbed ? [] : ['The file of the registry was being read and holds what was replaced until this is run again.']),
    ...(registry.documents.name === 'postgres' ? ['PostgreSQL keeps the dead rows of the registry in its files until VACUUM FULL.'] : []),
  ]
  return [...Map.groupBy(withheld, ({ group }) => group)].map(([name, all]) => {
    const why = [...new Set(all.map((one) => one.withheld))].join('; ')
    const note = [`Values in statistics are withheld, counts and means stay: ${why}.`, ...left].join(' ')
    return { place: 'statistics', name, files: [], before: all.length, after: options.dryRun ? all.length : 0, note, known: true }
  })
}

/** Why values of statistics may be those of the subject. */
class StatisticsReasons {
  readonly #forgetting: Forgetting
  readonly #begins = new Map<string, Promise<number | null>>()
  readonly #sets = new Map<string, Promise<string | null>>()

  constructor(forgetting: Forgetting) {
    this.#forgetting = forgetting
  }

  /** Null where they are not. */
  async of(one: FeatureStatistics): Promise<string | null> {
    const [name = '', version = ''] = one.group.split('@')
    const { subject, catalogue } = this.#forgetting
    const known = subject.groupsNamed(name, Number(version))
    const group = known.find(({ entity }) => subject.isIn(entity))
    const isOnDemand = catalogue.onDemand.some((each) => each.name === name)
    if (known.length > 0 && group === undefined && !isOnDemand) return null
    if (one.origin === 'train') return await this.#ofTrainingSet(one.trainingSet)
    if (group === undefined) return 'their group is unknown'
    return one.origin === 'backfill' ? await this.#ofBackfill(one, group) : await this.#ofHistory(one, group)
  }

  #ofTrainingSet(id: string | null): Promise<string | null> {
    const known = this.#sets.get(id ?? '') ?? this.#readTrainingSet(id)
    this.#sets.set(id ?? '', known)
    return known
  }

  async #readTrainingSet(id: string | null): Promise<string | null> {
    const { trainingSets, machine, subject, duck } = this.#forgetting
    const set = trainingSets.find((each: TrainingSetRecord) => each.id === id)
    const gone = `the training set ${id ?? ''} cannot be looked at any more`
    // A file is that of the last set that was written there.
    if (!set?.live || set.machine !== machine) return gone
    const file = rowFileOf(set.path)
    if (file === null || !(await isThere(set.path))) return gone
    const { matching } = await countRows(duck, file, subject.viewRows(set.view))
    return matching > 0 ? `the training set ${id} has rows of the subject` : null
  }

  /** The values that the offline store holds of that time are those that were described. */
  async #ofBackfill({ from, to, group: name }: FeatureStatistics, { name: group, version }: FeatureGroupData): Promise<string | null> {
    const { offline, subject } = this.#forgetting
    const range = { from: momentMicros(from), to: momentMicros(to) }
    const written = await offline.intervals({ group, version })
    if (!offline.scanSql || !written.some((one) => one.from <= range.from && one.to >= range.to))
      return `the values of ${name} of that time are not stored any more`
    const rows = await offline.scanSql({ group, version }, range)
    return (await this.#count(rows, subject.groupRows(), 'count(*)::DOUBLE')) ? 'they were backfilled of the subject too' : null
  }

  /** History tells since when the subject has been known; where it is known to the online store alone, nothing does. */
  async #ofHistory({ to }: FeatureStatistics, group: FeatureGroupData): Promise<string | null> {
    const name = `${group.name}@${group.version}`
    const begin = this.#begins.get(name) ?? this.#begin(group)
    this.#begins.set(name, begin)
    const since = await begin
    if (since === null) return `history of ${group.source.name} does not tell since when the subject is known`
    return since <= momentMicros(to) ? 'the subject was known then' : null
  }

  /** The first moment of the subject, Infinity where there is none; null where that cannot be told. */
  async #begin(group: FeatureGroupData): Promise<number | null> {
    const { duck, subject, places, online } = this.#forgetting
    try {
      const scan = await prepareScan(duck, group.source, placesOf(places, group.source))
      const first = await this.#count(
        scan.sql,
        subject.sourceRows(group.source),
        `min(epoch_us(${quoteIdentifier(group.source.time)}::TIMESTAMP))::DOUBLE`,
      )
      await scan.close()
      if (first !== null) return first
    } catch (error) {
      if (!(error instanceof LockstepError)) throw error
      return null
    }
    const table = `${group.name}@${group.version}`
    const sought = subject.onlineKeys(group)
    const isThereOnline = 'exact' in sought && (await online.read([{ table, keys: [sought.exact] }]))[0]?.[0]
    return isThereOnline ? null : Number.POSITIVE_INFINITY
  }

  /** A number made of the rows that match. */
  async #count(rows: string, match: RowMatch, what: string): Promise<number | null> {
    const { duck } = this.#forgetting
    const described = await duck.rows(`DESCRIBE ${rows}`)
    const types = new Map(described.map(({ column_name, column_type }) => [column_name as string, column_type as string]))
    const [found] = await duck.rows(`SELECT ${what} AS number FROM (${rows}) WHERE ${matchSql(match, types) ?? 'false'}`)
    return (found?.number ?? null) as number | null
  }
}

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )
