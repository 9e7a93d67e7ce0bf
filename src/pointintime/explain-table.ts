import { formatMoment } from '../lib/moment.ts'
import { cellAt, type Duck } from '../offline/index.ts'
import type { GroupUse, TableGroupPlan } from '../plan/index.ts'
import { type Cell, compareCell, type TypeData } from '../schema/index.ts'
import { type Interrupt, quoteIdentifier } from './context.ts'
import type { ExplainedMoment } from './explain-events.ts'
import { shortDuration } from './explain-window.ts'
import type { Nearest, ShownRow } from './explanation.ts'
import { historyColumns, historySql } from './group-values.ts'
import { jsonRecord, jsonValue } from './json-value.ts'
import type { KeyHistory } from './key-history.ts'

interface TableRow {
  readonly time: number
  /** When it was created; before all moments where its source does not say. */
  readonly created: number
  readonly cells: ReadonlyMap<string, Cell>
}

/** The rows of one key of a table, and which of them wins at a moment, and why the others do not. */
export interface ExplainedRows {
  readonly status: 'PRESENT' | 'NOT_FOUND' | 'STALE'
  readonly time: number | null
  readonly row: ShownRow | null
  readonly older: Nearest<ShownRow>
  readonly newer: Nearest<ShownRow>
}

export async function explainRows(
  duck: Duck,
  use: GroupUse & { readonly plan: TableGroupPlan },
  history: KeyHistory,
  at: ExplainedMoment,
  interrupt: Interrupt,
): Promise<ExplainedRows> {
  const { plan } = use
  const rows = await readRows(duck, use, history, interrupt)
  rows.sort((a, b) => a.time - b.time || order(a.created, b.created) || compareContent(plan, a, b))
  const isVisible = (row: TableRow) => row.time <= at.moment && (!at.asKnown || row.created <= at.moment)
  const place = rows.findLastIndex(isVisible)
  const winner = rows[place]
  const age = winner === undefined ? 0 : at.moment - winner.time
  const { ttl } = plan.group
  const beyond = ttl === null ? 0 : age - ttl
  const why = (row: TableRow) => (isVisible(row) && winner ? whyOlder(plan, row, winner) : whyNotYet(row, at))
  const nearest = (some: readonly TableRow[]): Nearest<ShownRow> => ({
    count: some.length,
    nearest: some.slice(0, at.limit).map((row) => shown(plan, row, why(row))),
  })
  const standing =
    beyond > 0
      ? `the newest row, but ${shortDuration(age)} old: beyond the ttl of ${shortDuration(ttl ?? 0)} by ${shortDuration(beyond)}`
      : 'the newest row that is valid'
  return {
    status: winner === undefined ? 'NOT_FOUND' : beyond > 0 ? 'STALE' : 'PRESENT',
    time: winner?.time ?? null,
    row: winner === undefined ? null : shown(plan, winner, standing),
    older: nearest(rows.slice(0, Math.max(place, 0)).reverse()),
    newer: nearest(rows.slice(place + 1)),
  }
}

async function readRows(duck: Duck, use: GroupUse, history: KeyHistory, interrupt: Interrupt): Promise<TableRow[]> {
  const names = historyColumns(use)
  const types = names.map((name) => use.plan.group.source.columns[name] as TypeData)
  const sql = historySql(use, history.all, history.keysSql, { asKnown: false, first: 0, last: Number.MAX_SAFE_INTEGER })
  const number: TypeData = { kind: 'float', nullable: true }
  const rows: TableRow[] = []
  for await (const { columns, count } of duck.stream(
    `SELECT ${['__time', '__known', ...names].map(quoteIdentifier).join(', ')} FROM (${sql})`,
    [number, number, ...types],
  )) {
    interrupt.check()
    const cell = (type: TypeData, column: number, row: number) => cellAt(type, columns[column] as (typeof columns)[number], row)
    for (let row = 0; row < count; row++) {
      rows.push({
        time: cell(number, 0, row) as number,
        created: (cell(number, 1, row) as number | null) ?? Number.NEGATIVE_INFINITY,
        cells: new Map(names.map((name, index) => [name, cell(types[index] as TypeData, index + 2, row)])),
      })
    }
  }
  return rows
}

/** As a difference would, of which there is none between two infinities. */
const order = (a: number, b: number): number => (a < b ? -1 : a > b ? 1 : 0)

const compareColumn = ({ group }: TableGroupPlan, name: string, a: TableRow, b: TableRow): number =>
  compareCell({ ...(group.source.columns[name] as TypeData), nullable: true }, a.cells.get(name) as Cell, b.cells.get(name) as Cell)

/** The first of the deciding columns in which two rows differ. */
const decidingColumn = (plan: TableGroupPlan, a: TableRow, b: TableRow): string | undefined =>
  plan.orderColumns.find((name) => compareColumn(plan, name, a, b) !== 0)

function compareContent(plan: TableGroupPlan, a: TableRow, b: TableRow): number {
  const name = decidingColumn(plan, a, b)
  return name === undefined ? 0 : compareColumn(plan, name, a, b)
}

function whyNotYet(row: TableRow, { asOf, moment }: ExplainedMoment): string {
  if (row.time > asOf) return `valid from ${shortDuration(row.time - asOf)} after the as-of moment`
  if (row.time > moment) return `valid only after the last tick, ${formatMoment(moment)}`
  return `not yet known at ${formatMoment(moment)}: created at ${formatMoment(row.created)}`
}

function whyOlder(plan: TableGroupPlan, row: TableRow, winner: TableRow): string {
  if (row.time < winner.time) return `older than the row that wins, by ${shortDuration(winner.time - row.time)}`
  if (row.created < winner.created) {
    return Number.isFinite(row.created)
      ? `of the same time, but created earlier: ${formatMoment(row.created)}`
      : 'of the same time, but it does not say when it was created'
  }
  const name = decidingColumn(plan, row, winner)
  if (name === undefined) return 'the same row again'
  const type = plan.group.source.columns[name] as TypeData
  const [own, winning] = [row, winner].map(({ cells }) => JSON.stringify(jsonValue(type, cells.get(name) as Cell)))
  return `of the same time and creation, but its ${name} is smaller: ${own}, not ${winning}`
}

function shown(plan: TableGroupPlan, row: TableRow, reason: string): ShownRow {
  return {
    time: formatMoment(row.time),
    created: Number.isFinite(row.created) ? formatMoment(row.created) : null,
    columns: jsonRecord(plan.columns.map((name) => [name, plan.group.source.columns[name] as TypeData, row.cells.get(name) as Cell])),
    reason,
  }
}
