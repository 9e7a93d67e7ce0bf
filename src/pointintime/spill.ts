import { mkdtemp, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type Duck, quoteLiteral } from '../offline/index.ts'

/** Rows dealt into partitions, in files of a temporary folder that goes with it. */
export class Spill implements AsyncDisposable {
  readonly #folder: string

  private constructor(folder: string) {
    this.#folder = folder
  }

  static async open(parent: string): Promise<Spill> {
    return new Spill(await mkdtemp(join(parent, 'lockstep-spill-')))
  }

  /** Writes what the SELECT gives, each row to the partition that its `__part` names. */
  async write(duck: Duck, name: string, sql: string, partitions: number): Promise<void> {
    // Each open partition holds a buffer: the more there are, the sooner they are flushed.
    const flush = Math.max(8192, Math.floor(1_000_000 / partitions))
    await duck.run(
      `SET partitioned_write_max_open_files = ${Math.max(partitions, 1)}; SET partitioned_write_flush_threshold = ${flush}; COPY (${sql}) TO ${quoteLiteral(join(this.#folder, name))} (FORMAT parquet, COMPRESSION snappy, PARTITION_BY (__part), FILENAME_PATTERN 'part_{uuid}')`,
    )
  }

  one(name: string, partition: number): string {
    return `read_parquet(${quoteLiteral(join(this.#folder, name, `__part=${partition}`, '*.parquet'))}, hive_partitioning = false)`
  }

  all(name: string): string {
    return `read_parquet(${quoteLiteral(join(this.#folder, name, '*', '*.parquet'))}, hive_partitioning = true)`
  }

  /** Where the values of a partition go. */
  output(partition: number): string {
    return join(this.#folder, `values_${partition}.parquet`)
  }

  outputs(): string {
    return `read_parquet(${quoteLiteral(join(this.#folder, 'values_*.parquet'))}, hive_partitioning = false)`
  }

  async has(name: string, partition: number): Promise<boolean> {
    return await stat(join(this.#folder, name, `__part=${partition}`)).then(
      () => true,
      () => false,
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true })
  }
}
