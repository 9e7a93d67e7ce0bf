import { mkdtemp, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type Duck, quoteLiteral } from '../offline/index.ts'

/** Rows that a partition gathers before they are written: fewer cost more than they save. Of long rows, as many as these bytes hold. */
const gatheredRows = 16_384
const gatheredBytes = 4 * 2 ** 20

/** What may gather at once, of the engine's memory: each of its threads does so for each partition. */
const gatheredShare = 0.5

/**
 * Rows dealt into partitions, in a temporary folder that goes with it: a folder for each partition. Rows stream through, so
 * what the engine holds depends on the partitions that are open at once, and not on the rows; where these are too many for its
 * memory, they are dealt in passes. Sorting by the partition instead fails on long rows, of which it cannot hold what it merges.
 */
export class Spill implements AsyncDisposable {
  readonly #folder: string

  private constructor(folder: string) {
    this.#folder = folder
  }

  static async open(parent: string): Promise<Spill> {
    return new Spill(await mkdtemp(join(parent, 'spill-')))
  }

  /**
   * Deals the rows, of about `rowBytes`, that `sql` gives of the partitions from `first` to before `end`; its column `__part`
   * names the partition of each. `pass` is called before each pass over what it reads.
   */
  async deal(
    duck: Duck,
    name: string,
    partitions: number,
    rowBytes: number,
    sql: (first: number, end: number) => string,
    pass: () => void = () => {},
  ): Promise<void> {
    const flushed = Math.max(1, Math.min(gatheredRows, Math.floor(gatheredBytes / rowBytes)))
    const room = ((duck.memoryLimit ?? Number.POSITIVE_INFINITY) * gatheredShare) / (duck.threads * flushed * rowBytes)
    const open = Math.max(1, Math.min(partitions, Math.floor(room)))
    for (let first = 0; first < partitions; first += open) {
      pass()
      await duck.run(
        `SET partitioned_write_max_open_files = ${open}; SET partitioned_write_flush_threshold = ${flushed};
         COPY (${sql(first, Math.min(first + open, partitions))}) TO ${quoteLiteral(join(this.#folder, name))}
           (FORMAT parquet, COMPRESSION snappy, PARTITION_BY (__part), FILENAME_PATTERN '{uuid}', APPEND)`,
      )
    }
  }

  /** A FROM clause of the rows of a partition; null where it has none. */
  async rows(name: string, partition: number): Promise<string | null> {
    const folder = join(this.#folder, name, `__part=${partition}`)
    const found = await stat(folder).catch(() => null)
    return found && readSql(join(folder, '*.parquet'))
  }

  /** The file that takes the values of a partition. */
  values(partition: number): string {
    return join(this.#folder, `values_${partition}.parquet`)
  }

  /** A FROM clause of the values of all partitions. */
  allValues(): string {
    return readSql(join(this.#folder, 'values_*.parquet'))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true })
  }
}

const readSql = (path: string): string => `read_parquet(${quoteLiteral(path)}, hive_partitioning = false)`
