import { featureStatuses } from '../serving/index.ts'
import type { ReadRecord } from './read-record.ts'

/** How often each feature of a view had each status: numbers side by side, as every value of every read is counted. */
export class StatusCounts {
  readonly view: string
  readonly version: string
  readonly features: readonly string[]
  readonly #counts: Float64Array

  constructor({ view, version, features }: Pick<ReadRecord, 'view' | 'version' | 'features'>) {
    this.view = view
    this.version = String(version)
    this.features = features
    this.#counts = new Float64Array(features.length * featureStatuses.length)
  }

  /** Counts the values of a read of the same features. */
  add(record: ReadRecord): void {
    const counts = this.#counts
    const rows = record.keys.length
    const features = this.features.length
    for (let row = 0; row < rows; row++) {
      for (let feature = 0; feature < features; feature++) {
        const place = feature * featureStatuses.length + (codes[record.status(row, feature)] as number)
        counts[place] = (counts[place] as number) + 1
      }
    }
  }

  /** Those that occurred. */
  *[Symbol.iterator](): Generator<{ readonly feature: string; readonly status: string; readonly count: number }> {
    for (const [place, feature] of this.features.entries()) {
      for (const [code, status] of featureStatuses.entries()) {
        const count = this.#counts[place * featureStatuses.length + code] as number
        if (count > 0) yield { feature, status, count }
      }
    }
  }
}

const codes = Object.fromEntries(featureStatuses.map((status, code) => [status, code]))
