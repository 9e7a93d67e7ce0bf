import { randomBytes } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { LockstepError } from '../../errors.ts'
import { canonicalJson } from '../../lib/canonical-json.ts'
import { formatDate, formatMoment } from '../../lib/moment.ts'
import type { TypeData } from '../../schema/index.ts'
import type { Batch } from '../batch.ts'
import { checkInterval, checkTarget } from '../check.ts'
import { ContentHash } from '../content-hash.ts'
import { Duck, type DuckOptions } from '../duckdb.ts'
import { countRows, type RowMatch, writeOthers } from '../erase-rows.ts'
import { physicalType, transportSql } from '../physical.ts'
import { quoteIdentifier, quoteList, quoteLiteral } from '../sql.ts'
import type {
  ErasedRows,
  Interval,
  IntervalValues,
  IntervalWritten,
  OfflineStore,
  OfflineStoreCapabilities,
  StoredFile,
  StoredGroup,
  StoredInterval,
} from '../store.ts'
import { filesBelow, makeDurably, moveDurably, namesIn, remove, sync } from './parquet/durable-files.ts'
import { intervalName, readRecords, writeRecord } from './parquet/records.ts'
import { withWriterLock } from './parquet/writer-lock.ts'

export interface ParquetOfflineStoreOptions extends Pick<DuckOptions, 'threads' | 'memoryLimitBytes' | 'temporaryFolder'> {
  /** The folder of the store; made when something is written. */
  readonly path: string
  /** What time it is, for the records; the machine's clock by default. */
  readonly clock?: () => Date
}

/**
 * Values as Parquet files on a local disk, in folders by date of their moments, written and read by DuckDB:
 * `GROUP/vVERSION/data/date=2026-01-05/*.parquet`, and `GROUP/vVERSION/intervals/*.json`, which record what counts. Files are
 * written elsewhere, brought to the disk and moved in place; the record, which comes last, makes all of them visible at once.
 */
export function parquetOfflineStore(options: ParquetOfflineStoreOptions): OfflineStore {
  return new ParquetOfflineStore(options)
}

const dayMicros = 86_400_000_000

class ParquetOfflineStore implements OfflineStore {
  readonly name = 'parquet'
  readonly capabilities: OfflineStoreCapabilities = { durable: true, sharedByProcesses: true, sql: true }
  readonly #root: string
  readonly #options: ParquetOfflineStoreOptions
  #duck: Promise<Duck> | null = null
  #closed = false

  constructor(options: ParquetOfflineStoreOptions) {
    this.#root = resolve(options.path)
    this.#options = options
  }

  async write(target: StoredGroup, values: IntervalValues): Promise<IntervalWritten> {
    checkTarget(target)
    checkInterval(values)
    const duck = await this.#open()
    const folder = this.#folder(target)
    await makeDurably(folder)
    return await withWriterLock(folder, whereOf(target, values), () => this.#writeLocked(duck, folder, target, values))
  }

  async intervals(target: StoredGroup): Promise<StoredInterval[]> {
    checkTarget(target)
    this.#checkOpen()
    return await readRecords(this.#folder(target))
  }

  async *read(target: StoredGroup, range?: Interval): AsyncGenerator<Batch, void, undefined> {
    const records = await this.intervals(target)
    const [first] = records
    if (first === undefined) return
    const duck = await this.#open()
    yield* stream(duck, rowsSql(this.#folder(target), records, first, range), first)
  }

  async scanSql(target: StoredGroup, range?: Interval): Promise<string> {
    const records = await this.intervals(target)
    const [first] = records
    if (first === undefined)
      throw new LockstepError('UNKNOWN_NAME', `Nothing is written of ${target.group} version ${target.version}`, {
        remedy: 'Backfill it first.',
      })
    return rowsSql(this.#folder(target), records, first, range)
  }

  async groups(): Promise<StoredGroup[]> {
    this.#checkOpen()
    const found: StoredGroup[] = []
    for (const group of (await namesIn(this.#root)).sort()) {
      const versions = (await namesIn(join(this.#root, group))).flatMap((name) => /^v(\d+)$/.exec(name)?.[1] ?? []).map(Number)
      for (const version of versions.sort((a, b) => a - b)) {
        if ((await readRecords(this.#folder({ group, version }))).length > 0) found.push({ group, version })
      }
    }
    return found
  }

  async verify(target: StoredGroup): Promise<string[]> {
    const folder = this.#folder(target)
    const problems: string[] = []
    for (const record of await this.intervals(target)) {
      const damaged = (await Promise.all(record.files.map((file) => damage(folder, file)))).filter((problem) => problem !== null)
      problems.push(...damaged)
      if (damaged.length > 0) continue
      const found = await hashOf(
        await this.#open(),
        record.files.map(({ path }) => join(folder, path)),
        record,
      ).catch((error: unknown) => error as Error)
      if (found instanceof Error) problems.push(`${intervalName(record)} cannot be read: ${found.message}`)
      else if (found.contentHash !== record.contentHash) problems.push(`${intervalName(record)} holds other rows than were written`)
    }
    return problems
  }

  async erase(target: StoredGroup, match: RowMatch, dryRun = false): Promise<ErasedRows> {
    checkTarget(target)
    const duck = await this.#open()
    const folder = this.#folder(target)
    const records = await readRecords(folder)
    if (records.length === 0) return { rows: 0, files: [] }
    return await withWriterLock(folder, `${target.group} version ${target.version}`, async () => {
      const temporary = join(folder, 'temporary')
      if (!dryRun) await clearLeftovers(folder, temporary, records)
      const found = await matchingFiles(duck, folder, records, match)
      const erased = {
        rows: found.reduce((sum, { matching }) => sum + matching, 0),
        files: found.map(({ file }) => join(folder, file.path)),
      }
      if (dryRun || found.length === 0) return erased
      await makeDurably(temporary)
      for (const record of records) await this.#eraseInterval(duck, folder, temporary, record, found, match)
      // What is left of the old files goes with the folder that says that there may be some.
      await clearLeftovers(folder, temporary, await readRecords(folder))
      return erased
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    await (await this.#duck)?.close()
    this.#duck = null
  }

  #folder({ group, version }: StoredGroup): string {
    return join(this.#root, group, `v${version}`)
  }

  #open(): Promise<Duck> {
    this.#checkOpen()
    this.#duck ??= Duck.open(this.#options)
    return this.#duck
  }

  #checkOpen(): void {
    if (this.#closed) throw new LockstepError('INVALID_ARGUMENT', 'The offline store is closed', { remedy: 'Open it again.' })
  }

  async #writeLocked(duck: Duck, folder: string, target: StoredGroup, values: IntervalValues): Promise<IntervalWritten> {
    const records = await readRecords(folder)
    const same = precedent(records, target, values)
    const temporary = join(folder, 'temporary')
    await clearLeftovers(folder, temporary, records)
    await makeDurably(temporary)
    const table = duck.uniqueName('lockstep_values')
    try {
      await load(duck, table, target, values)
      const files = await writeFiles(duck, table, values, temporary)
      const found = await hashOf(
        duck,
        files.map(({ written }) => written),
        values,
      )
      if (same === undefined) await this.#publish(folder, temporary, values, files, found)
      else if (same.contentHash !== found.contentHash) throw changed(target, values, same)
      return { status: same === undefined ? 'written' : 'unchanged', rows: found.rows }
    } finally {
      await duck.run(`DROP TABLE IF EXISTS ${quoteIdentifier(table)}`)
      await remove(temporary)
    }
  }

  /** Writes an interval again, in files of other names, and its record in the place of the old one. */
  async #eraseInterval(
    duck: Duck,
    folder: string,
    temporary: string,
    record: StoredInterval,
    found: Awaited<ReturnType<typeof matchingFiles>>,
    match: RowMatch,
  ): Promise<void> {
    const files: StoredFile[] = []
    for (const file of record.files) {
      const { matching = 0 } = found.find((one) => one.file === file) ?? {}
      if (matching === 0) files.push(file)
      if (matching === 0 || matching === file.rows) continue
      const written = join(temporary, 'interval.parquet')
      await writeOthers(duck, { path: join(folder, file.path), format: 'parquet' }, match, written)
      const path = file.path.replace(/(-[0-9a-f]{8})?\.parquet$/, `-${randomBytes(4).toString('hex')}.parquet`)
      files.push({ path, rows: file.rows - matching, bytes: (await stat(written)).size })
      await moveDurably(written, join(folder, path))
    }
    if (files.length === record.files.length && files.every((file, at) => file === record.files[at])) return
    const paths = files.map(({ path }) => join(folder, path))
    await writeRecord(folder, { ...record, ...(await hashOf(duck, paths, record)), files }, temporary)
  }

  async #publish(
    folder: string,
    temporary: string,
    values: IntervalValues,
    files: readonly WrittenFile[],
    found: ReturnType<ContentHash['finish']>,
  ): Promise<void> {
    for (const { written, file } of files) {
      await sync(written)
      await moveDurably(written, join(folder, file.path))
    }
    const { from, to, definitionHash, columns, moment } = values
    const written = (this.#options.clock?.() ?? new Date()).getTime() * 1000
    await writeRecord(
      folder,
      { from, to, definitionHash, columns, moment, ...found, files: files.map(({ file }) => file), written, made: values.made ?? {} },
      temporary,
    )
  }
}

const whereOf = ({ group, version }: StoredGroup, { from, to }: Interval): string =>
  `${group} version ${version}, ${formatMoment(from)} to ${formatMoment(to)}`

/** The record of the same interval, if there is one. Throws where these values may not stand beside what is written. */
function precedent(records: readonly StoredInterval[], target: StoredGroup, values: IntervalValues): StoredInterval | undefined {
  const where = whereOf(target, values)
  const [any] = records
  if (any && any.definitionHash !== values.definitionHash) {
    throw new LockstepError(
      'IMMUTABLE_VERSION',
      `This version was written from the definition ${any.definitionHash}, not ${values.definitionHash}`,
      { where },
    )
  }
  if (any && canonicalJson([Object.entries(any.columns), any.moment]) !== canonicalJson([Object.entries(values.columns), values.moment])) {
    throw new LockstepError(
      'IMMUTABLE_VERSION',
      `This version was written with the columns ${Object.keys(any.columns).join(', ')}, or others of their types`,
      { where },
    )
  }
  const overlapping = records.filter(({ from, to }) => from < values.to && values.from < to)
  const same = overlapping.find(({ from, to }) => from === values.from && to === values.to)
  if (same === undefined && overlapping[0]) {
    const { from, to } = overlapping[0]
    throw new LockstepError('INVALID_ARGUMENT', `${formatMoment(from)} to ${formatMoment(to)} is written already`, {
      where,
      remedy: 'Write only the intervals that are missing.',
    })
  }
  return same
}

const changed = (target: StoredGroup, values: IntervalValues, { rows, contentHash }: StoredInterval): LockstepError =>
  new LockstepError('IMMUTABLE_VERSION', `Other values are written already: ${rows} rows, hash ${contentHash.slice(0, 16)}`, {
    where: whereOf(target, values),
    remedy: 'Raise the version of the group and backfill it; the history of its source, or code outside its definition, has changed.',
  })

/** Removes what a killed writer has left: its temporary folder, and files that it moved in place without a record of them. */
async function clearLeftovers(folder: string, temporary: string, records: readonly StoredInterval[]): Promise<void> {
  if ((await namesIn(folder)).includes('temporary')) {
    const recorded = new Set(records.flatMap(({ files }) => files.map(({ path }) => path)))
    const data = join(folder, 'data')
    for (const name of await filesBelow(data)) if (!recorded.has(join('data', name))) await remove(join(data, name))
    await remove(temporary)
  }
}

async function load(duck: Duck, table: string, target: StoredGroup, { columns, moment, from, to, rows }: IntervalValues): Promise<void> {
  const types = Object.values(columns)
  await duck.createTable(table, columns)
  for await (const batch of rows) await duck.append(table, types, batch.columns, batch.count)
  const [outside] = await duck.rows(`SELECT ${quoteIdentifier(moment)} AS moment FROM ${table}
    WHERE (${withinSql(moment, { from, to })}) IS NOT TRUE LIMIT 1`)
  if (outside === undefined) return
  const found = outside.moment instanceof Date ? outside.moment.toISOString() : 'null'
  throw new LockstepError('INVALID_ARGUMENT', `A row is of the moment ${found}, outside its interval`, {
    where: whereOf(target, { from, to }),
  })
}

interface WrittenFile {
  readonly file: StoredFile
  /** Where it is until it is published. */
  readonly written: string
}

/** One file for each date, sorted. */
async function writeFiles(duck: Duck, table: string, values: IntervalValues, temporary: string): Promise<WrittenFile[]> {
  const moment = quoteIdentifier(values.moment)
  const days =
    await duck.rows(`SELECT CAST(epoch_us(${moment}) // ${dayMicros} - (epoch_us(${moment}) % ${dayMicros} < 0)::INTEGER AS DOUBLE) AS day,
    count(*) AS "rows" FROM ${table} GROUP BY day ORDER BY day`)
  const files: WrittenFile[] = []
  for (const { day, rows } of days) {
    const from = (day as number) * dayMicros
    const date = formatDate(day as number)
    const written = join(temporary, `${date}.parquet`)
    await duck.inOrder(`COPY (FROM ${table} WHERE ${withinSql(values.moment, { from, to: from + dayMicros })} ORDER BY ${orderSql(values)})
      TO ${quoteLiteral(written)} (FORMAT parquet, COMPRESSION zstd)`)
    const path = join('data', `date=${date}`, `${intervalName(values)}.parquet`)
    files.push({ written, file: { path, rows: Number(rows), bytes: (await stat(join(written))).size } })
  }
  return files
}

const withinSql = (moment: string, { from, to }: Interval): string =>
  `${quoteIdentifier(moment)} >= make_timestamp(${from}) AND ${quoteIdentifier(moment)} < make_timestamp(${to})`

/** The one order of rows: by moment, then by the columns as they stand. */
const orderSql = ({ columns, moment }: Pick<IntervalValues, 'columns' | 'moment'>): string =>
  [moment, ...Object.keys(columns)].map((name) => `${quoteIdentifier(name)} NULLS FIRST`).join(', ')

/** SQL of the rows of these files, in the physical types of their columns. */
function filesSql(paths: readonly string[], columns: Readonly<Record<string, TypeData>>): string {
  const entries = Object.entries(columns)
  if (paths.length === 0)
    return `SELECT ${entries.map(([name, type]) => `CAST(NULL AS ${physicalType(type)}) AS ${quoteIdentifier(name)}`).join(', ')} LIMIT 0`
  // Parquet has no arrays of fixed length and no JSON that all can read.
  const selected = entries.map(([name, type]) =>
    ['list', 'vector', 'struct'].includes(type.kind)
      ? `CAST(${quoteIdentifier(name)} AS ${physicalType(type)}) AS ${quoteIdentifier(name)}`
      : quoteIdentifier(name),
  )
  return `SELECT ${selected.join(', ')} FROM read_parquet(${quoteList(paths)}, hive_partitioning = false)`
}

function rowsSql(folder: string, records: readonly StoredInterval[], { columns, moment }: StoredInterval, range?: Interval): string {
  const wanted = range === undefined ? records : records.filter(({ from, to }) => from < range.to && range.from < to)
  const sql = filesSql(
    wanted.flatMap(({ files }) => files.map(({ path }) => join(folder, path))),
    columns,
  )
  return range === undefined ? sql : `SELECT * FROM (${sql}) WHERE ${withinSql(moment, range)}`
}

function stream(duck: Duck, sql: string, described: Pick<IntervalValues, 'columns' | 'moment'>): AsyncGenerator<Batch, void, undefined> {
  const entries = Object.entries(described.columns)
  const selected = entries.map(([name, type]) => transportSql(type, quoteIdentifier(name))).join(', ')
  return duck.stream(
    `SELECT ${selected} FROM (${sql}) ORDER BY ${orderSql(described)}`,
    entries.map(([, type]) => type),
  )
}

/** The files that hold rows that match, and how many. */
async function matchingFiles(
  duck: Duck,
  folder: string,
  records: readonly StoredInterval[],
  match: RowMatch,
): Promise<{ file: StoredFile; matching: number }[]> {
  const found: { file: StoredFile; matching: number }[] = []
  for (const file of records.flatMap(({ files }) => files)) {
    const { matching } = await countRows(duck, { path: join(folder, file.path), format: 'parquet' }, match)
    if (matching > 0) found.push({ file, matching })
  }
  return found
}

async function hashOf(
  duck: Duck,
  paths: readonly string[],
  described: Pick<IntervalValues, 'columns' | 'moment'>,
): Promise<ReturnType<ContentHash['finish']>> {
  const hash = new ContentHash(described.columns)
  for await (const batch of stream(duck, filesSql(paths, described.columns), described)) hash.add(batch)
  return hash.finish()
}

async function damage(folder: string, { path, bytes }: StoredFile): Promise<string | null> {
  const found = await stat(join(folder, path)).catch(() => null)
  if (found === null) return `${path} is missing`
  return found.size === bytes ? null : `${path} has ${found.size} bytes, not ${bytes}`
}
