import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Duck, quoteLiteral } from '../offline/index.ts'

/**
 * Rows dealt into partitions, in a temporary folder that goes with it. Those of one name lie in one file, sorted by their
 * partition: sorting keeps within the engine's memory however many partitions there are, which a file for each would not,
 * and a reader of one skips the rest of the file by its statistics.
 */
export class Spill implements AsyncDisposable {
  readonly #folder: string

  private constructor(folder: string) {
    this.#folder = folder
  }

  static async open(parent: string): Promise<Spill> {
    return new Spill(await mkdtemp(join(parent, 'spill-')))
  }

  /** Writes what the SELECT gives; its column `__part` names the partition of each row. */
  async write(duck: Duck, name: string, sql: string): Promise<void> {
    await duck.inOrder(
      `COPY (SELECT * FROM (${sql}) ORDER BY __part) TO ${quoteLiteral(this.path(name))} (FORMAT parquet, COMPRESSION snappy)`,
    )
  }

  /** The file of a name. */
  path(name: string): string {
    return join(this.#folder, `${name}.parquet`)
  }

  /** A FROM clause of the rows of these names; `*` stands for any. */
  rows(name: string): string {
    return `read_parquet(${quoteLiteral(this.path(name))}, hive_partitioning = false)`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true })
  }
}
