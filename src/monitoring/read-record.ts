import type { Micros } from '../lib/moment.ts'
import type { Cell, TypeData } from '../schema/index.ts'
import type { FeatureStatus } from '../serving/index.ts'

/** What is told of each served read, after the answer is sent. */
export interface ReadRecord {
  /** The read id. */
  readonly id: string
  readonly view: string
  readonly version: number
  /** Who asked, and for which model; empty where they were not named. */
  readonly caller: string
  readonly model: string
  /** As of when. */
  readonly moment: Micros
  /** When it was served: what became known later could not be in it. */
  readonly knownAt: Micros
  /** The features that were asked for, in order, and their types. Of one view mostly the same arrays. */
  readonly features: readonly string[]
  readonly types: readonly TypeData[]
  /** The keys of each row, as public values. */
  readonly keys: readonly Readonly<Record<string, unknown>>[]
  /** The request values of each row, or one for all. */
  readonly requests: readonly Readonly<Record<string, unknown>>[]
  /** Valid only during the call that gets the record: to be copied. */
  cell(row: number, feature: number): Cell
  status(row: number, feature: number): FeatureStatus
  /** The groups that were read, each as `name@version:hash`. */
  readonly groups: readonly string[]
  /** Microseconds that it took. */
  readonly micros: number
}
