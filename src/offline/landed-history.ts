import { randomBytes } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { SourceData } from '../definition/index.ts'
import { localDisk as disk } from '../lib/disk.ts'
import { formatDate, type Micros } from '../lib/moment.ts'
import type { Cell, TypeData } from '../schema/index.ts'
import { Duck } from './duckdb.ts'
import { countRows, type RowMatch, writeOthers } from './erase-rows.ts'
import { mergesOf } from './landed-merges.ts'
import { ParquetRows } from './parquet-file/parquet-file.ts'
import { quoteList, quoteLiteral } from './sql.ts'

/** An event of a stream as it lands in history: in order of the source's columns, with when and where the log took it. */
export interface LandedEvent {
  readonly cells: readonly Cell[]
  readonly time: Micros
  readonly taken: Micros
  readonly partition: number
  readonly offset: number
}

/** A file of landed events of one day (UTC). Which files count is for the caller to keep. */
export interface LandedFile {
  /** Below the folder of the history: `orders/date=2026-03-01/0-17-400-8c2f1e.parquet`. */
  readonly path: string
  /** `2026-03-01` */
  readonly date: string
  readonly rows: number
  /** Offsets from `first` (included) to `next` (not included). */
  readonly first: number
  readonly next: number
}

export interface LandedHistoryOptions {
  /** How long files stay that do not count any more, or not yet, for those who are reading them; milliseconds. Default: an hour. */
  readonly grace?: number
}

const moment: TypeData = { kind: 'timestamp', nullable: false }
const whole: TypeData = { kind: 'integer', nullable: false }
/** When and where the log took an event. */
const placeColumns = { __taken: moment, __partition: whole, __offset: whole }

const dayMicros = 86_400_000_000

/** Events of a source by the day of their time, as columns of files; added to until they are written. */
export class LandedBatch {
  readonly source: SourceData
  readonly days = new Map<number, ParquetRows>()
  readonly #row: Cell[] = []
  #rows = 0

  constructor(source: SourceData) {
    this.source = source
  }

  get rows(): number {
    return this.#rows
  }

  add({ cells, time, taken, partition, offset }: LandedEvent): void {
    const day = Math.floor(time / dayMicros)
    let rows = this.days.get(day)
    if (rows === undefined) {
      rows = new ParquetRows({ ...this.source.columns, ...placeColumns })
      this.days.set(day, rows)
    }
    const row = this.#row
    for (let place = 0; place < cells.length; place++) row[place] = cells[place] as Cell
    row[cells.length] = taken
    row[cells.length + 1] = partition
    row[cells.length + 2] = offset
    rows.add(row)
    this.#rows++
  }
}

/**
 * History that streams write: Parquet files below `folder/SOURCE/date=YYYY-MM-DD/`, each of one partition and a range of offsets.
 * A file is there as a whole and on the disk, or not at all.
 */
export class LandedHistory implements AsyncDisposable {
  readonly #folder: string
  readonly #grace: number
  #duck: Promise<Duck> | null = null

  constructor(folder: string, { grace = 3_600_000 }: LandedHistoryOptions = {}) {
    this.#folder = folder
    this.#grace = grace
  }

  /** Where a file lies. */
  pathOf({ path }: LandedFile): string {
    return join(this.#folder, path)
  }

  /** Writes a batch of a partition, whose offsets are from `first` to before `next`; may be called again when it failed. */
  async write(
    { source, days }: LandedBatch,
    partition: number,
    range: { readonly first: number; readonly next: number },
  ): Promise<LandedFile[]> {
    const files: LandedFile[] = []
    for (const [day, rows] of days) {
      const file: LandedFile = { path: pathOf(source, partition, day, range), date: formatDate(day), rows: rows.rows, ...range }
      await this.#place(file, async (partial) => {
        const handle = await disk.create(partial)
        try {
          let position = 0
          for (const part of await rows.file()) {
            await handle.write(position, part)
            position += part.length
          }
          await handle.sync()
        } finally {
          await handle.close()
        }
      })
      files.push(file)
    }
    return files
  }

  /** Makes one file of several small ones of a day, where that is worth it. The old ones stay until they are cleaned away. */
  async compact(source: SourceData, partition: number, files: readonly LandedFile[]): Promise<readonly LandedFile[]> {
    let compacted = files
    for (const merged of mergesOf(files)) {
      const range = { first: Math.min(...merged.map(({ first }) => first)), next: Math.max(...merged.map(({ next }) => next)) }
      const [{ date }] = merged
      const day = Date.parse(date) / 86_400_000
      const rows = merged.reduce((sum, one) => sum + one.rows, 0)
      const file: LandedFile = { path: pathOf(source, partition, day, range), date, rows, ...range }
      const duck = await this.#open()
      const from = `read_parquet(${quoteList(merged.map((one) => this.pathOf(one)))}, union_by_name = true, hive_partitioning = false)`
      await this.#place(file, async (partial) => {
        await duck.run(`COPY (SELECT * FROM ${from} ORDER BY "__offset") TO ${quoteLiteral(partial)} (FORMAT parquet, COMPRESSION zstd)`)
        const handle = await disk.open(partial)
        await handle?.sync()
        await handle?.close()
      })
      compacted = [...compacted.filter((one) => !merged.includes(one)), file]
    }
    return compacted
  }

  /** Removes the files of a partition besides these, once nobody can be reading them any more: those merged, those never counted. */
  async clean(source: SourceData, partition: number, files: readonly LandedFile[]): Promise<void> {
    const kept = new Set(files.map((file) => this.pathOf(file)))
    const root = join(this.#folder, source.name)
    const before = Date.now() - this.#grace
    for (const date of await disk.list(root)) {
      const folder = join(root, date)
      const names = (await disk.list(folder)).filter((name) => name.startsWith(`${partition}-`))
      const [left, counting] = [names.filter((name) => !kept.has(join(folder, name))), names.filter((name) => kept.has(join(folder, name)))]
      if (left.length === 0) continue
      // A file was in use until the one was made that holds its events now.
      const made = await Promise.all(counting.map((name) => modified(join(folder, name))))
      if (made.some((time) => time > before)) continue
      for (const name of left) if ((await modified(join(folder, name))) <= before) await disk.remove(join(folder, name))
    }
  }

  /** The names of the sources that have files here, or had. */
  async sources(): Promise<string[]> {
    return (await disk.list(this.#folder)).sort()
  }

  /** The paths of all files of a partition, those too that do not count, and those that are not whole. */
  async filesOf({ name }: Pick<SourceData, 'name'>, partition: number): Promise<string[]> {
    const root = join(this.#folder, name)
    const dates = await disk.list(root)
    const names = await Promise.all(dates.map(async (date) => (await disk.list(join(root, date))).map((file) => join(name, date, file))))
    return names.flat().filter((path) => basename(path).startsWith(`${partition}-`))
  }

  /** The partitions that have files here, also such as do not count. */
  async partitionsOf({ name }: Pick<SourceData, 'name'>): Promise<number[]> {
    const root = join(this.#folder, name)
    const files = (await Promise.all((await disk.list(root)).map((date) => disk.list(join(root, date))))).flat()
    return [...new Set(files.flatMap((file) => /^(\d+)-/.exec(file)?.[1] ?? []).map(Number))]
  }

  /** How many rows a file has and how many of them match; of one that is not whole null. */
  async count(path: string, match: RowMatch): Promise<{ readonly rows: number; readonly matching: number } | null> {
    const file = { path: join(this.#folder, path), format: 'parquet' as const }
    return path.endsWith('.parquet') ? await countRows(await this.#open(), file, match) : null
  }

  /** Writes a file again without the rows that match; the old one stays. Null where nothing is left of it. */
  async without(source: Pick<SourceData, 'name'>, partition: number, file: LandedFile, match: RowMatch): Promise<LandedFile | null> {
    const rows = file.rows - ((await this.count(file.path, match))?.matching ?? 0)
    if (rows === 0) return null
    const other: LandedFile = { ...file, rows, path: pathOf(source, partition, Date.parse(file.date) / 86_400_000, file) }
    const duck = await this.#open()
    await this.#place(other, (partial) => writeOthers(duck, { path: this.pathOf(file), format: 'parquet' }, match, partial))
    return other
  }

  /** Removes a file at once, also from under those who read it. */
  async remove(path: string): Promise<void> {
    await disk.remove(join(this.#folder, path))
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

  /** Writes a file elsewhere, synced, and moves it in place. */
  async #place(file: LandedFile, write: (partial: string) => Promise<void>): Promise<void> {
    const path = this.pathOf(file)
    await disk.makeFolder(dirname(path))
    await write(`${path}.partial`)
    await disk.rename(`${path}.partial`, path)
    await disk.syncFolder(dirname(path))
  }
}

/** A name that no other file has, whoever writes the same range again. */
function pathOf(
  { name }: Pick<SourceData, 'name'>,
  partition: number,
  day: number,
  { first, next }: { readonly first: number; readonly next: number },
): string {
  return join(name, `date=${formatDate(day)}`, `${partition}-${first}-${next}-${randomBytes(4).toString('hex')}.parquet`)
}

const modified = async (path: string): Promise<number> => (await stat(path)).mtimeMs
