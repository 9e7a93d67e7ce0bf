import { formatMoment } from '../lib/moment.ts'
import type { Cell, TypeData } from '../schema/index.ts'
import { type Answer, type FeatureStatus, featureStatuses, type Keys } from '../serving/index.ts'
import { type CellText, cellText } from './answer-encoder.ts'

/** One column of Feast's answer: its name, and its members as JSON. */
export interface FeastColumn {
  readonly name: string
  readonly text: string
}

/** Feast has five statuses. Of what has no value because of a failure it says `INVALID`. */
const feastStatuses: Readonly<Record<FeatureStatus, string>> = {
  PRESENT: 'PRESENT',
  DEFAULTED: 'PRESENT',
  NULL: 'NULL_VALUE',
  NOT_FOUND: 'NOT_FOUND',
  STALE: 'OUTSIDE_MAX_AGE',
  TIME_OUT: 'INVALID',
  FAILED: 'INVALID',
}

const statusTexts = featureStatuses.map((status) => `"${feastStatuses[status]}"`)
const noTime = `"${formatMoment(0)}"`

/** The features of an answer by name, each as the members of its column. */
export function featureColumns(answer: Answer): Map<string, string> {
  const rows = Array.from({ length: answer.rows }, (_, row) => row)
  const { output } = answer.plan
  const columns = output.map(({ name, type }, feature): [string, string] => {
    const text = pythonText(type)
    const cell = (row: number) => answer.cells[row * output.length + feature] as Cell
    const status = (row: number) => statusTexts[answer.statuses[row * output.length + feature] as number] as string
    const time = (row: number) => answer.eventTime(row, feature)
    const members = column(
      rows.map((row) => (cell(row) === null ? 'null' : text(cell(row)))),
      // Feast's client takes no empty list: it cannot tell of what.
      rows.map((row) => (isEmptyList(cell(row)) ? '"NULL_VALUE"' : status(row))),
      rows.map((row) => (time(row) === null ? noTime : `"${formatMoment(time(row) as number)}"`)),
    )
    return [name, members]
  })
  return new Map(columns)
}

/** What Feast repeats of a request: the keys, each present at no time. */
export function keyColumn(name: string, rows: readonly Keys[]): FeastColumn {
  const values = rows.map((row) => keyText(row[name]))
  const text = column(
    values,
    values.map(() => '"PRESENT"'),
    values.map(() => noTime),
  )
  return { name, text }
}

const keyText = (value: unknown): string => (typeof value === 'bigint' ? String(value) : JSON.stringify(value ?? null))

export function feastAnswer(
  columns: readonly FeastColumn[],
  views: readonly { readonly name: string; readonly version: number }[],
): string {
  const names = JSON.stringify(columns.map(({ name }) => name))
  const metadata =
    views.length > 0 ? `,"feature_view_metadata":${JSON.stringify(views.map(({ name, version }) => ({ name, version })))}` : ''
  return `{"metadata":{"feature_names":${names}${metadata}},"results":[${columns.map(({ text }) => text).join(',')}],"status":true}`
}

const column = (values: readonly string[], statuses: readonly string[], times: readonly string[]): string =>
  `{"values":[${values.join(',')}],"statuses":[${statuses.join(',')}],"event_timestamps":[${times.join(',')}]}`

const isEmptyList = (cell: Cell): boolean => Array.isArray(cell) && cell.length === 0

/** JSON of a cell as Python reads it back: a float with a point even where it is whole, an integer in all its digits. */
function pythonText(type: TypeData): CellText {
  switch (type.kind) {
    case 'float':
      return (cell) => floatText(cell as number)
    case 'vector':
      return (cell) => `[${Array.from(cell as Float32Array, floatText).join(',')}]`
    case 'list': {
      const item = pythonText(type.element as TypeData)
      return (cell) =>
        isEmptyList(cell) ? 'null' : `[${(cell as readonly Cell[]).map((one) => (one === null ? 'null' : item(one))).join(',')}]`
    }
    default:
      return cellText(type, 'number')
  }
}

function floatText(value: number): string {
  if (!Number.isFinite(value)) return `"${value}"`
  const text = Object.is(value, -0) ? '-0' : String(value)
  return /^-?\d+$/.test(text) ? `${text}.0` : text
}
