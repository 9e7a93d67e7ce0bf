import { statSync } from 'node:fs'
import { join } from 'node:path'
import { type FeatureGroupData, type History, parquet, type SourceData } from '../definition/index.ts'
import { materializeGroup } from '../materialize/index.ts'
import { Duck, placesOf, quoteIdentifier, quoteLiteral, rawRelation, type SourcePlaces } from '../offline/index.ts'
import type { OnlineStore } from '../online/index.ts'
import { engineOptions } from '../pointintime/index.ts'
import type { Registry, RunRate } from '../registry/index.ts'

/** What it takes to write the values of a group to the online store. */
export interface GroupCost {
  /** `user_orders@2` */
  readonly group: string
  /** Rows of its source's history, what has landed of its stream included; null where that cannot be read, as `note` says. */
  readonly rows: number | null
  /** Different keys, by an approximate count. */
  readonly keys: number | null
  /** The size of the files of the history. */
  readonly read: number | null
  /** Estimated. */
  readonly seconds: number | null
  /** Estimated, written. */
  readonly bytes: number | null
  /** Where the estimate comes from: `runs` of the group, or of all where nothing is measured; `others` of the same plan, which were. */
  readonly from: 'runs' | 'sample' | 'others' | null
  readonly note: string
}

export interface CostOptions {
  readonly registry: Registry
  readonly places: SourcePlaces
  /** An empty store for what is measured; without it nothing is. */
  readonly scratch?: (() => OnlineStore) | undefined
  /** Groups that are measured; those beyond are reckoned by what was measured. Default: 3. */
  readonly measured?: number | undefined
  /** The version that is applied, whose runs tell how fast it goes where the group has none. */
  readonly previous: ReadonlyMap<string, string>
}

/** Rows of a history that are measured where no run tells how fast it goes. */
const sampleRows = 50_000

/** What each group costs, by what was recorded of runs, or else measured on the first rows of its history. */
export async function costOf(groups: readonly FeatureGroupData[], options: CostOptions): Promise<GroupCost[]> {
  if (groups.length === 0) return []
  await using duck = await Duck.open(engineOptions({}))
  const sizes = new Map<string, Promise<HistorySize>>()
  const recorded = await options.registry.runs.rates('materialize')
  const all = recorded()
  const costs: GroupCost[] = []
  const measured: (HistorySize & Measured)[] = []
  for (const group of groups) {
    const name = `${group.name}@${group.version}`
    const parts = partsOf(group.source, options.places)
    const nothing = { group: name, rows: null, keys: null, read: null, seconds: null, bytes: null, from: null }
    if (parts.length === 0) {
      costs.push({ ...nothing, note: 'its source has no history' })
      continue
    }
    try {
      const place = `${group.source.name} ${Object.values(group.keys).join(' ')}`
      const known = sizes.get(place) ?? sizeOf(duck, parts, group)
      sizes.set(place, known)
      const size = await known
      const before = options.previous.get(name)
      const own = recorded(name) ?? (before === undefined ? null : recorded(before))
      if (own) costs.push({ group: name, ...size, ...asRecorded(size, own), from: 'runs', note: '' })
      else if (options.scratch && measured.length < (options.measured ?? 3)) {
        const found = await measure(duck, parts, group, size, options.scratch())
        measured.push({ ...size, ...found })
        costs.push({ group: name, ...size, ...found, from: 'sample', note: '' })
      } else if (measured.length > 0) costs.push({ group: name, ...size, ...asMeasured(size, measured), from: 'others', note: '' })
      else if (all) costs.push({ group: name, ...size, ...asRecorded(size, all), from: 'runs', note: '' })
      else costs.push({ ...nothing, ...size, note: 'no run is recorded and nothing was measured' })
    } catch (error) {
      costs.push({ ...nothing, note: (error as Error).message })
    }
  }
  return costs
}

interface HistorySize {
  readonly rows: number
  readonly keys: number
  readonly read: number
}

/** A history, or the files in which a stream has landed: whose columns have the names and types of the source. */
type Part = History | { readonly kind: 'landed'; readonly path: readonly string[] }

/** What a source is read from. */
function partsOf(source: SourceData, places: SourcePlaces): Part[] {
  const { history = source.history, landed = [] } = placesOf(places, source)
  return [...(history ? [history] : []), ...(landed.length > 0 ? [{ kind: 'landed' as const, path: landed }] : [])]
}

const sqlOf = async (duck: Duck, part: Part, { source }: FeatureGroupData): Promise<string> =>
  part.kind === 'landed'
    ? `SELECT * FROM read_parquet([${part.path.map(quoteLiteral).join(', ')}], union_by_name = true, hive_partitioning = false)`
    : (await rawRelation(duck, part, `source ${source.name}`)).sql

async function sizeOf(duck: Duck, parts: readonly Part[], group: FeatureGroupData): Promise<HistorySize> {
  const keys: string[] = []
  let read = 0
  for (const part of parts) {
    const renamed = part.kind === 'rows' || part.kind === 'landed' ? {} : part.columns
    // As text, as files of different formats may have different types.
    const columns = Object.values(group.keys).map((column) => `${quoteIdentifier(renamed[column] ?? column)}::VARCHAR`)
    keys.push(`SELECT hash(${columns.join(', ')}) AS "key" FROM (${await sqlOf(duck, part, group)})`)
    if (part.kind === 'rows') continue
    const files = await duck.rows(`SELECT file FROM glob([${[part.path].flat().map(quoteLiteral).join(', ')}])`)
    read += files.reduce((sum, { file }) => sum + (statSync(String(file), { throwIfNoEntry: false })?.size ?? 0), 0)
  }
  const [counts] = await duck.rows(`SELECT count(*) AS "rows", approx_count_distinct("key") AS "keys" FROM (${keys.join(' UNION ALL ')})`)
  return { rows: Number(counts?.rows), keys: Math.min(Number(counts?.keys), Number(counts?.rows)), read }
}

interface Measured {
  readonly seconds: number
  readonly bytes: number
}

/** Runs tell rows that were written: one for each key. */
const asRecorded = ({ keys }: HistorySize, { rowsPerSecond, bytesPerRow }: RunRate): Measured => ({
  seconds: keys / rowsPerSecond,
  bytes: keys * bytesPerRow,
})

/** Time by rows and bytes by keys, as they were of other groups. */
function asMeasured({ rows, keys }: HistorySize, measured: readonly (HistorySize & Measured)[]): Measured {
  const total = (part: keyof (HistorySize & Measured)) => measured.reduce((sum, one) => sum + one[part], 0)
  const per = (part: keyof Measured, of: 'rows' | 'keys') => total(part) / Math.max(1, total(of))
  return { seconds: rows * per('seconds', 'rows'), bytes: Math.round(keys * per('bytes', 'keys')) }
}

/** Materializes the first rows of what a source is read from into a store that is thrown away, and reckons what all of them take. */
async function measure(
  duck: Duck,
  parts: readonly Part[],
  group: FeatureGroupData,
  size: HistorySize,
  online: OnlineStore,
): Promise<Measured> {
  const { name } = group.source
  let [history, landed]: [History | null, string[]] = [null, []]
  let left = sampleRows
  for (const part of parts) {
    if (part.kind === 'rows') {
      history = { kind: 'rows', rows: part.rows.slice(0, left) }
      left -= history.rows.length
      continue
    }
    const path = join(duck.folder, `${group.name}-${group.version}-${part.kind}.parquet`)
    await duck.run(`COPY (${await sqlOf(duck, part, group)} LIMIT ${left}) TO ${quoteLiteral(path)} (FORMAT parquet)`)
    const [counts] = await duck.rows(`SELECT count(*) AS "rows" FROM read_parquet(${quoteLiteral(path)})`)
    left -= Number(counts?.rows)
    if (part.kind === 'landed') landed = [path]
    else history = { ...part, ...parquet(path), columns: part.columns, kind: 'parquet' }
  }
  const share = Math.max(1, size.rows / sampleRows)
  try {
    const places = { ...(history ? { history: { [name]: history } } : {}), ...(landed.length > 0 ? { landed: { [name]: landed } } : {}) }
    const result = await materializeGroup(group, online, { upto: Date.now() * 1000, ...places })
    const bytesPerKey = result.keys === 0 ? 0 : result.bytes / result.keys
    return { seconds: result.seconds * share, bytes: Math.round(bytesPerKey * size.keys) }
  } finally {
    await online.close()
  }
}
