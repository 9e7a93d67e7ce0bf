import type { EventGroupPlan } from '../plan/index.ts'
import { type Cell, type CellComparator, cellComparator, isFloat64Kind, type TypeData } from '../schema/index.ts'

/** A column of the state: whether its cells lie in Float64Arrays, NaN standing for null, and its place among those that do, or do not. */
export interface StateColumn {
  readonly type: TypeData
  readonly inFloats: boolean
  readonly lane: number
  readonly compare: CellComparator
}

/** How the events of a group lie in memory, and how they are told apart and ordered. */
export class StateLayout {
  readonly plan: EventGroupPlan
  readonly columns: readonly StateColumn[]
  /** Numbers of an event: its time, the moment at which it became known where that counts, and those of its columns. */
  readonly floats: number
  readonly others: number
  /** Those that order events of one moment. */
  readonly #order: readonly { readonly place: number; readonly compare: CellComparator }[]
  /** The columns and the time by name, as content is compared; -1 is the time. */
  readonly #content: readonly number[]

  constructor(plan: EventGroupPlan) {
    this.plan = plan
    const { columns, order, known } = plan.state
    const { source } = plan.group
    let floats = known ? 2 : 1
    let others = 0
    this.columns = columns.map((name) => {
      const type = source.columns[name] as TypeData
      const inFloats = isFloat64Kind(type.kind) && !(type.allowNaN && type.nullable)
      return { type, inFloats, lane: inFloats ? floats++ : others++, compare: cellComparator(type) }
    })
    this.floats = floats
    this.others = others
    this.#order = order.map((place) => ({ place, compare: (this.columns[place] as StateColumn).compare }))
    this.#content = [...columns, source.time].sort().map((name) => columns.indexOf(name))
  }

  get isOrdered(): boolean {
    return this.#order.length > 0
  }

  /** The places of the id; of events without ids, of nothing. */
  get id(): readonly number[] {
    return this.plan.state.known ? this.plan.state.order : []
  }

  /** Of two events of one moment. */
  compare(a: readonly Cell[], b: readonly Cell[]): number {
    for (const { place, compare } of this.#order) {
      const order = compare(a[place] as Cell, b[place] as Cell)
      if (order !== 0) return order
    }
    return 0
  }

  /** Of two versions of one event that became known at one moment. */
  compareContent(timeA: number, a: readonly Cell[], timeB: number, b: readonly Cell[]): number {
    for (const place of this.#content) {
      const order = place < 0 ? timeA - timeB : (this.columns[place] as StateColumn).compare(a[place] as Cell, b[place] as Cell)
      if (order !== 0) return order
    }
    return 0
  }
}
