import { featureStatuses } from '../serving/index.ts'
import type { ReadRecord } from './read-record.ts'

/** How often each feature of a view had each status: numbers side by side, as every value of every read is counted. */
export class StatusCounts {
  readonly view: string
  readonly version: number
  readonly features: readonly string[]
  /** Feature by feature. */
  readonly #counts: Float64Array

  constructor({ view, version, features }: Pick<ReadRecord, 'view' | 'version' | 'features'>) {
    this.view = view
    this.version = version
    this.features = features
    this.#counts = new Float64Array(features.length * featureStatuses.length)
  }

  /** Counts the values of a read of the same features: places in `featureStatuses`, row by row. */
  add(statuses: Uint8Array): void {
    const counts = this.#counts
    const features = this.features.length
    // By index: of typed arrays `for of` takes three times as long.
    for (let first = 0; first < statuses.length; first += features) {
      for (let feature = 0; feature < features; feature++) {
        const place = feature * featureStatuses.length + (statuses[first + feature] as number)
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
