import type { EventId } from './aggregate.ts'

/** Where an event stands among the events of its key: its time (microseconds), then its id. */
export interface EventOrder {
  readonly time: number
  readonly id: EventId
}

/** Strings by code unit, numbers and bigints by value. Ids of one source have one form. */
export function compareIds(a: EventId, b: EventId): number {
  return a < b ? -1 : a > b ? 1 : 0
}

export function compareOrder(a: EventOrder, b: EventOrder): number {
  return a.time < b.time ? -1 : a.time > b.time ? 1 : compareIds(a.id, b.id)
}

/** By value; -0 equals 0; NaN equals itself and comes after everything else. */
export function compareNumbers(a: number, b: number): number {
  if (a < b) return -1
  if (a > b) return 1
  return a === b ? 0 : Number(Number.isNaN(a)) - Number(Number.isNaN(b))
}
