import type { LockstepError } from '../errors.ts'
import type { ViewPlan } from '../plan/index.ts'
import type { Cell } from '../schema/index.ts'
import { type FeatureStatus, featureStatuses } from './vector.ts'

/** The places of statuses in `featureStatuses`, as answers keep them. */
export const statusCode = Object.fromEntries(featureStatuses.map((status, code) => [status, code])) as Readonly<
  Record<FeatureStatus, number>
>

/** The cells of a view's features for entity rows, as of one moment, with what each is worth. Row by row, features in the plan's order. */
export class Answer {
  readonly plan: ViewPlan
  readonly rows: number
  /** Microseconds. */
  readonly moment: number
  readonly cells: Cell[]
  /** Places in `featureStatuses`. */
  readonly statuses: Uint8Array
  /** Of each row and use of a group: the newest event or the row of the table that is visible, in microseconds; NaN: none. */
  readonly eventTimes: Float64Array
  /** Milliseconds that the store took, and the on-demand code of all rows. */
  storeTime = 0
  onDemandTime = 0
  /** What on-demand code threw, of the features that are `FAILED`; at most one for each on-demand view. */
  readonly failures: LockstepError[] = []

  constructor(plan: ViewPlan, rows: number, moment: number) {
    this.plan = plan
    this.rows = rows
    this.moment = moment
    const features = plan.output.length
    this.cells = new Array<Cell>(rows * features).fill(null)
    this.statuses = new Uint8Array(rows * features).fill(statusCode.TIME_OUT)
    this.eventTimes = new Float64Array(rows * plan.uses.length).fill(Number.NaN)
  }

  cell(row: number, feature: number): Cell {
    return this.cells[row * this.plan.output.length + feature] as Cell
  }

  status(row: number, feature: number): FeatureStatus {
    return featureStatuses[this.statuses[row * this.plan.output.length + feature] as number] as FeatureStatus
  }

  /** Microseconds; null where nothing is known of the key, and of what is computed on demand. */
  eventTime(row: number, feature: number): number | null {
    const source = this.plan.output[feature]?.source
    if (source?.from !== 'group') return null
    const time = this.eventTimes[row * this.plan.uses.length + source.use] as number
    return Number.isNaN(time) ? null : time
  }

  /** Puts a cell of a group of whose key so much is known. */
  put(row: number, feature: number, cell: Cell, known: 'PRESENT' | 'NOT_FOUND' | 'STALE'): void {
    const at = row * this.plan.output.length + feature
    this.cells[at] = cell
    this.statuses[at] = statusCode[cell === null && known === 'PRESENT' ? 'NULL' : known]
  }

  /** Marks all features as FAILED, with the reason. */
  fail(reason: LockstepError): void {
    this.failures.push(reason)
    this.statuses.fill(statusCode.FAILED)
  }

  /** Takes a feature back from all rows: it is FAILED, with the reason. */
  withhold(feature: number, reason: LockstepError): void {
    this.failures.push(reason)
    for (let at = feature; at < this.cells.length; at += this.plan.output.length) {
      this.cells[at] = null
      this.statuses[at] = statusCode.FAILED
    }
  }

  /** Puts what the view declares instead of null where a cell is null. */
  applyDefaults(): void {
    const { output } = this.plan
    for (const [feature, { default: standIn }] of output.entries()) {
      if (standIn === null) continue
      for (let at = feature; at < this.cells.length; at += output.length) {
        if (this.cells[at] !== null) continue
        this.cells[at] = standIn
        this.statuses[at] = statusCode.DEFAULTED
      }
    }
  }
}
