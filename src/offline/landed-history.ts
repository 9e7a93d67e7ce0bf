import { mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { SourceData } from '../definition/index.ts'
import { LockstepError } from '../errors.ts'
import type { Micros } from '../lib/moment.ts'
import { type Cell, sqlType, type TypeData } from '../schema/index.ts'
import { columnOf } from './batch.ts'
import { Duck } from './duckdb.ts'
import { quoteIdentifier, quoteList, quoteLiteral } from './sql.ts'

/** An event of a stream as it lands in history: in order of the source's columns, with when and where the log took it. */
export interface LandedEvent {
  readonly cells: readonly Cell[]
  readonly time: Micros
  readonly taken: Micros
  readonly offset: number
}

/** A file of landed events of one day (UTC). Which files count is for the caller to keep. */
export interface LandedFile {
  readonly path: string
  /** `2026-03-01` */
  readonly date: string
  readonly rows: number
  /** Offsets from `first` (included) to `next` (not included). */
  readonly first: number
  readonly next: number
}

const moment: TypeData = { kind: 'timestamp', nullable: false }
const whole: TypeData = { kind: 'integer', nullable: false }
/** When the log took an event, and where it lies. */
const placeColumns = { __taken: moment, __partition: whole, __offset: whole }

/**
 * History that streams write: Parquet files below `folder/SOURCE/date=YYYY-MM-DD/`, each of one partition and a range of offsets.
 * A file is there as a whole and on the disk, or not at all.
 */
export class LandedHistory implements AsyncDisposable {
  readonly #folder: string
  #duck: Promise<Duck> | null = null
  #count = 0

  constructor(folder: string) {
    this.#folder = folder
  }

  /** Writes events of a partition; none of their offsets is below `first` or not below `next`. */
  async write(
    source: SourceData,
    partition: number,
    range: { readonly first: number; readonly next: number },
    events: readonly LandedEvent[],
  ): Promise<LandedFile[]> {
    const types = [...Object.values(source.columns), moment, whole, whole]
    const files: LandedFile[] = []
    for (const [date, own] of Map.groupBy(events, ({ time }) => dateOf(time))) {
      const cells: Cell[][] = [
        ...Object.keys(source.columns).map((_, place) => own.map((event) => event.cells[place] ?? null)),
        own.map(({ taken }) => taken),
        own.map(() => partition),
        own.map(({ offset }) => offset),
      ]
      const columns = types.map((type, place) => columnOf(type, cells[place] as Cell[]))
      const duck = await this.#open()
      const table = duck.uniqueName('landing')
      await duck.createTable(table, { ...source.columns, ...placeColumns })
      try {
        await duck.append(table, types, columns, own.length)
        const path = await this.#file(source, partition, date, range)
        await this.#copy(duck, `SELECT * FROM ${quoteIdentifier(table)} ORDER BY ${quoteIdentifier(source.time)}, "__offset"`, path)
        files.push({ path, date, rows: own.length, ...range })
      } finally {
        await duck.run(`DROP TABLE ${quoteIdentifier(table)}`)
      }
    }
    return files
  }

  /** Makes one file of the files of each day, where a day has several. The old ones stay. */
  async compact(source: SourceData, partition: number, files: readonly LandedFile[]): Promise<LandedFile[]> {
    const compacted: LandedFile[] = []
    for (const [date, own] of Map.groupBy(files, (file) => file.date)) {
      if (own.length === 1) {
        compacted.push(...own)
        continue
      }
      const range = { first: Math.min(...own.map(({ first }) => first)), next: Math.max(...own.map(({ next }) => next)) }
      const path = await this.#file(source, partition, date, range)
      const from = `read_parquet(${quoteList(own.map((file) => file.path))}, union_by_name = true, hive_partitioning = false)`
      await this.#copy(await this.#open(), `SELECT * FROM ${from} ORDER BY ${quoteIdentifier(source.time)}, "__offset"`, path)
      compacted.push({ path, date, rows: own.reduce((sum, { rows }) => sum + rows, 0), ...range })
    }
    return compacted
  }

  /** Removes the files of a partition besides these: what a worker left that died before they counted. */
  async clean(source: SourceData, partition: number, files: readonly LandedFile[]): Promise<void> {
    const kept = new Set(files.map(({ path }) => path))
    const root = join(this.#folder, source.name)
    for (const date of await readdir(root).catch(() => [])) {
      for (const name of await readdir(join(root, date)).catch(() => [])) {
        const path = join(root, date, name)
        if (name.startsWith(`${partition}-`) && !kept.has(path)) await rm(path, { force: true })
      }
    }
  }

  async close(): Promise<void> {
    await (await this.#duck)?.close()
    this.#duck = null
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #open(): Promise<Duck> {
    this.#duck ??= Duck.open({ threads: 1, memoryLimitBytes: 512 * 2 ** 20 })
    return this.#duck
  }

  /** A new name: a range that is written again after a crash has another. */
  async #file(source: SourceData, partition: number, date: string, { first, next }: { first: number; next: number }): Promise<string> {
    const folder = join(this.#folder, source.name, `date=${date}`)
    await mkdir(folder, { recursive: true })
    return join(folder, `${partition}-${first}-${next}-${process.pid.toString(36)}${(this.#count++).toString(36)}.parquet`)
  }

  async #copy(duck: Duck, select: string, path: string): Promise<void> {
    const partial = `${path}.partial`
    await duck.run(`COPY (${select}) TO ${quoteLiteral(partial)} (FORMAT parquet, COMPRESSION zstd)`)
    await synced(partial)
    await rename(partial, path)
    await synced(dirname(path))
  }
}

const dateOf = (time: Micros): string => new Date(Math.floor(time / 1000)).toISOString().slice(0, 10)

async function synced(path: string): Promise<void> {
  const file = await open(path, 'r')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

/**
 * A SELECT of the declared columns of landed events, and of `"__taken"`. A column that was declared after they landed is null.
 * Throws `SOURCE_SCHEMA` where it may not be.
 */
export async function landedSql(duck: Duck, source: SourceData, paths: readonly string[]): Promise<string> {
  const columns = Object.entries(source.columns)
  if (paths.length === 0) {
    const nothing = columns.map(([name, type]) => `CAST(NULL AS ${sqlType(type)}) AS ${quoteIdentifier(name)}`)
    return `SELECT ${nothing.join(', ')}, CAST(NULL AS TIMESTAMP) AS "__taken" WHERE false`
  }
  const from = `read_parquet(${quoteList(paths)}, union_by_name = true, hive_partitioning = false)`
  const described = await duck.rows(`DESCRIBE SELECT * FROM ${from}`)
  const there = new Set(described.map(({ column_name }) => column_name))
  const selected = columns.map(([name, type]) => {
    if (there.has(name)) return `CAST(${quoteIdentifier(name)} AS ${sqlType(type)}) AS ${quoteIdentifier(name)}`
    if (type.nullable) return `CAST(NULL AS ${sqlType(type)}) AS ${quoteIdentifier(name)}`
    throw new LockstepError('SOURCE_SCHEMA', `The column ${name} was declared after events had landed without it`, {
      where: `source ${source.name}`,
      remedy: 'Declare it nullable.',
    })
  })
  return `SELECT ${selected.join(', ')}, "__taken" FROM ${from}`
}
