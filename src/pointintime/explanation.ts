import type { FeatureStatus } from '../serving/index.ts'

/** Why a feature has its value at a moment: plain data that JSON can hold, moments as ISO 8601 texts. */
export type Explanation = EventsExplanation | TableExplanation | OnDemandExplanation

/** A public value as JSON holds it: an int64 as its digits, a vector as an array, NaN and the infinities as texts. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [name: string]: JsonValue }
export type JsonRecord = Readonly<Record<string, JsonValue>>

interface ExplanationOfValue {
  /** The name in the view. */
  readonly feature: string
  readonly value: JsonValue
  /** As it is declared: `decimal(12, 2) or null`. */
  readonly type: string
  readonly status: FeatureStatus
  /** The key columns that the feature is read by, under the names of the view. */
  readonly key: JsonRecord
  readonly asOf: string
  /** Whether only what was known by then was read. */
  readonly asKnown: boolean
  /** How the value is computed, in one line. */
  readonly definition: string
}

interface ExplanationOfGroup extends ExplanationOfValue {
  readonly group: {
    readonly name: string
    readonly version: number
    readonly hash: string
    readonly source: string
    /** The feature's own name, which a view may put a prefix before. */
    readonly feature: string
  }
  /** The moment whose value this is: for a scheduled group its last tick. */
  readonly effective: { readonly moment: string; readonly reason: string }
  /** When what the value was computed from happened: the newest visible event of the key, or the row of the table. */
  readonly eventTime: string | null
}

/** A feature of events: which events each of its aggregates counts, and which it does not. */
export interface EventsExplanation extends ExplanationOfGroup {
  readonly kind: 'events'
  readonly aggregates: readonly AggregateExplanation[]
}

export interface AggregateExplanation {
  /** `sum(total) where kind = 'purchased' over 90d` */
  readonly definition: string
  readonly value: JsonValue
  /** The bounds of the window at this moment: `from` counts (null: no beginning), `to` does not; and why it begins there. */
  readonly window: { readonly definition: string; readonly from: string | null; readonly to: string; readonly reason: string }
  /** The events that count: how many, the newest of them, newest first, and the oldest. */
  readonly inside: { readonly count: number; readonly newest: readonly ShownEvent[]; readonly oldest: ShownEvent | null }
  readonly outside: {
    /** Those that would count if the window began earlier; nearest first. */
    readonly before: Nearest<OutsideEvent>
    /** Those between the bounds of the window that do not count; newest first. */
    readonly within: Nearest<OutsideEvent>
    /** Those that would count if the window ended later; nearest first. */
    readonly after: Nearest<OutsideEvent>
  }
}

/** How many there are, and some of them. */
export interface Nearest<T> {
  readonly count: number
  readonly nearest: readonly T[]
}

export interface ShownEvent {
  readonly time: string
  /** The columns that identify it; empty where its source declares none. */
  readonly id: JsonRecord
  /** The columns that the feature uses. */
  readonly columns: JsonRecord
  /** When it became known, where its source says. */
  readonly known: string | null
}

export interface OutsideEvent extends ShownEvent {
  readonly reason: string
}

/** A feature of a table: the row that it is read from, and the rows beside it. */
export interface TableExplanation extends ExplanationOfGroup {
  readonly kind: 'table'
  /** The newest row valid at the moment, null where there is none; a stale one, though it does not count. */
  readonly row: ShownRow | null
  /** Rows before it in the order of rows; nearest first. */
  readonly older: Nearest<ShownRow>
  /** Rows behind it, which were not valid yet or not known; nearest first. */
  readonly newer: Nearest<ShownRow>
}

export interface ShownRow {
  /** From when it is valid. */
  readonly time: string
  readonly created: string | null
  /** The columns that the feature uses. */
  readonly columns: JsonRecord
  /** Why it wins, or why it does not. */
  readonly reason: string
}

/** A feature computed on demand: what it was computed from. */
export interface OnDemandExplanation extends ExplanationOfValue {
  readonly kind: 'onDemand'
  readonly onDemand: { readonly name: string; readonly version: number; readonly hash: string }
  readonly inputs: readonly Explanation[]
  readonly request: JsonRecord
}
