import type { AggregateNode, FeatureGroupData, SourceData, WindowData } from '../definition/index.ts'
import type { Cell, TypeData } from '../schema/index.ts'
import { aggregateOf } from './aggregates.ts'
import { holds, interpret } from './expression.ts'
import { compareCells } from './number.ts'

/** A row of a source: a cell for each declared column. */
export type OracleRow = Readonly<Record<string, Cell>>

export type OracleStatus = 'PRESENT' | 'NOT_FOUND' | 'STALE'

export interface OracleAnswer {
  readonly values: Readonly<Record<string, Cell>>
  readonly status: OracleStatus
}

export interface OracleOptions {
  /** Leaves out what was not yet known at the moment. */
  readonly asKnown?: boolean
}

interface Event {
  readonly time: number
  readonly row: OracleRow
}

/**
 * The values of a feature group for a key at moment q (microseconds), by the rules of time alone: for each event, is it
 * visible? It takes the rows in any order, looks at each of them at each call and shares no code with the engine, whose
 * judge it is. Rows of other keys can be left out where no correction moves an event from one key to another.
 */
export function oracleValues(
  group: FeatureGroupData,
  rows: readonly OracleRow[],
  key: OracleRow,
  q: number,
  options: OracleOptions = {},
): OracleAnswer {
  const { source, refresh } = group
  const moment = refresh.kind === 'live' ? q : multipleAtOrBefore(q - refresh.delay, refresh.every)
  const isKnown = (row: OracleRow) => options.asKnown !== true || knownTime(source, row) <= moment
  const isOfKey = (row: OracleRow) =>
    Object.entries(group.keys).every(([name, column]) => compareCells(row[column] ?? null, key[name] ?? null) === 0)
  return source.kind === 'events'
    ? valuesOfEvents(group, rows.filter(isKnown), isOfKey, moment)
    : valuesOfTable(group, rows.filter(isKnown).filter(isOfKey), moment)
}

/** An event is visible from the moment after it. */
function valuesOfEvents(
  group: FeatureGroupData,
  rows: readonly OracleRow[],
  isOfKey: (row: OracleRow) => boolean,
  moment: number,
): OracleAnswer {
  const visible = oneVersionEach(group.source, rows)
    .filter(isOfKey)
    .map((row) => ({ row, time: timeOf(group.source, group.source.time, row) }))
    .filter(({ time }) => time < moment)
    .sort((a, b) => a.time - b.time || compareBy(orderOf(group.source), a.row, b.row))
  const values = valuesOf(group, { row: {}, asOf: moment, aggregate: (node) => aggregateAt(node, visible, moment) })
  return { values, status: visible.length === 0 ? 'NOT_FOUND' : 'PRESENT' }
}

/** A row of a table is valid from its own moment on, until a newer one, and no longer than the ttl. */
function valuesOfTable(group: FeatureGroupData, rows: readonly OracleRow[], moment: number): OracleAnswer {
  const { source, ttl } = group
  const newest = rows
    .filter((row) => timeOf(source, source.time, row) <= moment)
    .sort(
      (a, b) =>
        timeOf(source, source.time, a) - timeOf(source, source.time, b) ||
        knownOrder(source, a, b) ||
        compareBy(source.order, a, b) ||
        compareBy(contentOf(source), a, b),
    )
    .at(-1)
  const isStale = newest !== undefined && ttl !== null && moment - timeOf(source, source.time, newest) > ttl
  const row = newest === undefined || isStale ? {} : newest
  const values = valuesOf(group, { row, asOf: moment, aggregate: () => null })
  return { values, status: newest === undefined ? 'NOT_FOUND' : isStale ? 'STALE' : 'PRESENT' }
}

function valuesOf(group: FeatureGroupData, scope: Parameters<typeof interpret>[1]): Record<string, Cell> {
  return Object.fromEntries(Object.entries(group.features).map(([name, node]) => [name, interpret(node, scope)]))
}

/** Rows of one declared id are one event: the version that became known last counts. Without an id each row is an event. */
function oneVersionEach(source: SourceData, rows: readonly OracleRow[]): readonly OracleRow[] {
  if (source.id.length === 0) return rows
  const versions = Map.groupBy(rows, (row) =>
    JSON.stringify(source.id.map((column) => (row[column] === null ? null : String(row[column])))),
  )
  return [...versions.values()].map(
    (rowsOfId) => rowsOfId.sort((a, b) => knownOrder(source, a, b) || compareBy(contentOf(source), a, b)).at(-1) as OracleRow,
  )
}

/** The window says which of the visible events are asked about, the filter which of those count. */
function aggregateAt(node: AggregateNode, visible: readonly Event[], moment: number): Cell {
  const contributions = eventsInWindow(node.window, visible, moment)
    .filter(({ row }) => holds(node.filter, scopeOf(row)))
    .map(({ row, time }) => ({ time, inputs: node.inputs.map((input) => interpret(input, scopeOf(row))) }))
  return aggregateOf({ ...node, types: node.inputs.map((input) => input.type) }, contributions, moment - node.window.delay)
}

function eventsInWindow(window: WindowData, visible: readonly Event[], moment: number): readonly Event[] {
  const end = moment - window.delay
  const before = visible.filter(({ time }) => time < end)
  switch (window.kind) {
    case 'lifetime':
      return before
    case 'sliding': {
      const start = window.resolution === 0 ? end - window.length : multipleAtOrBefore(end - window.length, window.resolution)
      return before.filter(({ time }) => time >= start)
    }
    case 'tumbling': {
      const bucket = multipleAtOrBefore(end, window.length)
      return window.part === 'current'
        ? before.filter(({ time }) => time >= bucket)
        : before.filter(({ time }) => time >= bucket - window.length && time < bucket)
    }
    case 'session': {
      const isQuiet = before.length === 0 || end - (before.at(-1) as Event).time > window.gap
      const start = before.findLastIndex(({ time }, index) => index === 0 || time - (before[index - 1] as Event).time > window.gap)
      return isQuiet ? [] : before.slice(start)
    }
    case 'since':
      return before.slice(before.findLastIndex(({ row }) => holds(window.condition, scopeOf(row))) + 1)
  }
}

/** Inside an aggregate an expression sees a row and nothing else. */
const scopeOf = (row: OracleRow) => ({ row, asOf: Number.NaN, aggregate: (): Cell => null })

const multipleAtOrBefore = (moment: number, length: number) => Math.floor(moment / length) * length

/** Microseconds of a moment column; a date is its midnight. */
export function timeOf(source: SourceData, column: string, row: OracleRow): number {
  return (source.columns[column] as TypeData).kind === 'date' ? (row[column] as number) * 86_400_000_000 : (row[column] as number)
}

/** Since when the row is known; always where its source does not say. */
function knownTime(source: SourceData, row: OracleRow): number {
  return source.known === null || row[source.known] === null ? -Infinity : timeOf(source, source.known, row)
}

const knownOrder = (source: SourceData, a: OracleRow, b: OracleRow) => compareCells(knownTime(source, a), knownTime(source, b))
const contentOf = (source: SourceData) => Object.keys(source.columns).sort()
/** What tells events of one moment apart: their id, or else what they say. */
const orderOf = (source: SourceData) => (source.id.length > 0 ? source.id : contentOf(source))

function compareBy(columns: readonly string[], a: OracleRow, b: OracleRow): number {
  return columns.map((column) => compareCells(a[column] ?? null, b[column] ?? null)).find((order) => order !== 0) ?? 0
}
