import type { NewRecord, RecordPosition } from '../../log.ts'
import { partitionOfKey } from '../../partition.ts'
import { BlockBuffer } from './block.ts'

/** Records without a key go to one partition so many at a time, and each call begins with the next one: fewer files to sync. */
const keylessRun = 512

interface Append {
  /** Of each record its partition, and how many records of the batch lie before it there. */
  readonly partitions: Uint32Array
  readonly places: Uint32Array
  readonly resolve: (positions: RecordPosition[]) => void
  readonly reject: (error: unknown) => void
}

/** What came while the batch before it was being written: appends that share one write and one sync. */
export class Batch {
  readonly buffers: (BlockBuffer | undefined)[]
  readonly #appends: Append[] = []
  #keyless = 0

  constructor(partitions: number) {
    this.buffers = new Array(partitions).fill(undefined)
  }

  get isEmpty(): boolean {
    return this.#appends.length === 0
  }

  add(records: readonly NewRecord[]): Promise<RecordPosition[]> {
    const partitions = new Uint32Array(records.length)
    const places = new Uint32Array(records.length)
    this.#keyless++
    for (const [at, record] of records.entries()) {
      const partition = this.#partition(record, at)
      let buffer = this.buffers[partition]
      if (buffer === undefined) {
        buffer = new BlockBuffer()
        this.buffers[partition] = buffer
      }
      partitions[at] = partition
      places[at] = buffer.count
      buffer.add(record)
    }
    return new Promise((resolve, reject) => this.#appends.push({ partitions, places, resolve, reject }))
  }

  /** Tells those who wait: `bases` has the offset of the first record by partition, or why there is none. */
  settle(bases: readonly (number | Error | undefined)[]): void {
    for (const { partitions, places, resolve, reject } of this.#appends) {
      const failed = bases.find((base, partition) => base instanceof Error && partitions.includes(partition))
      if (failed !== undefined) {
        reject(failed)
        continue
      }
      const positions = new Array<RecordPosition>(partitions.length)
      for (let at = 0; at < partitions.length; at++) {
        const partition = partitions[at] as number
        positions[at] = { partition, offset: (bases[partition] as number) + (places[at] as number) }
      }
      resolve(positions)
    }
    this.#clear()
  }

  fail(error: unknown): void {
    for (const { reject } of this.#appends) reject(error)
    this.#clear()
  }

  #partition({ key, partition }: NewRecord, at: number): number {
    const count = this.buffers.length
    if (partition !== undefined) return partition
    if (key !== null) return partitionOfKey(key, count)
    if (at % keylessRun === keylessRun - 1) this.#keyless++
    return this.#keyless % count
  }

  #clear(): void {
    this.#appends.length = 0
    for (const buffer of this.buffers) buffer?.clear()
  }
}
