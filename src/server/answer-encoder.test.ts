import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { arbitraryCell, arbitraryType } from '../../test/support/arbitrary-cell.ts'
import { entity, featureGroup, featureView, table } from '../definition/index.ts'
import { formatMoment } from '../lib/moment.ts'
import { type OutputValue, planView, type ViewPlan } from '../plan/index.ts'
import { type Cell, fromCell, type TypeData, t } from '../schema/index.ts'
import { Answer, featureStatuses } from '../serving/index.ts'
import { AnswerEncoder, type AnswerForm, typeName } from './answer-encoder.ts'
import { plainJson } from './exact-values.ts'

const rows = table('rows', { columns: { id: t.string(), value: t.float(), at: t.timestamp() }, time: 'at' })
const group = featureGroup({
  name: 'one',
  entity: entity('one', { id: t.string() }),
  source: rows,
  features: (row) => ({ value: row.value }),
})
const view = planView(featureView({ name: 'view', features: [group] }))

interface Column {
  readonly name: string
  readonly type: TypeData
  readonly cells: readonly Cell[]
  readonly statuses: readonly number[]
}

const columnOf = (count: number): fc.Arbitrary<Column> =>
  arbitraryType.chain((type) =>
    fc.record({
      name: fc.string({ minLength: 1 }),
      type: fc.constant(type),
      cells: fc.array(fc.option(arbitraryCell({ ...type, nullable: false }), { freq: 8 }), { minLength: count, maxLength: count }),
      statuses: fc.array(fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, fc.nat(featureStatuses.length - 1)), {
        minLength: count,
        maxLength: count,
      }),
    }),
  )

const answers = fc.integer({ min: 1, max: 4 }).chain((count) =>
  fc.record({
    columns: fc.uniqueArray(columnOf(count), { selector: ({ name }) => name, minLength: 1, maxLength: 8 }),
    times: fc.array(fc.option(fc.integer({ min: -8e15, max: 8e15 })), { minLength: count, maxLength: count }),
  }),
)

const forms: fc.Arbitrary<AnswerForm> = fc.record({
  layout: fc.constantFrom('rows', 'columns'),
  names: fc.constantFrom('once', 'per_row'),
  statuses: fc.boolean(),
  eventTimes: fc.boolean(),
  types: fc.boolean(),
  int64: fc.constantFrom('string', 'number'),
})

function answerOf(columns: readonly Column[], times: readonly (number | null)[]): Answer {
  const output = columns.map(
    ({ name, type }): OutputValue => ({ name, type, default: null, source: { from: 'group', use: 0, feature: 0 } }),
  )
  const plan: ViewPlan = { ...view, output }
  const answer = new Answer(plan, times.length, 0)
  for (const [row, time] of times.entries()) {
    answer.eventTimes[row] = time ?? Number.NaN
    for (const [feature, { cells, statuses }] of columns.entries()) {
      answer.cells[row * columns.length + feature] = cells[row] as Cell
      answer.statuses[row * columns.length + feature] = statuses[row] as number
    }
  }
  return answer
}

/** The same answer, made as objects: `JSON.stringify` is the judge. */
function objectOf(answer: Answer, form: AnswerForm): unknown {
  const { output } = answer.plan
  const value = (row: number, feature: number) => {
    const { type } = output[feature] as OutputValue
    return jsonOf(type, answer.cell(row, feature), form.int64)
  }
  const time = (row: number, feature: number) => {
    const micros = answer.eventTime(row, feature)
    return micros === null ? null : formatMoment(micros)
  }
  const each = <T>(row: number, of: (row: number, feature: number) => T) => {
    const items = output.map((_, feature) => of(row, feature))
    return form.names === 'once' ? items : new Map(items.map((item, feature) => [output[feature]?.name, item]))
  }
  const count = Array.from({ length: answer.rows }, (_, row) => row)
  const status = (row: number, feature: number) => answer.status(row, feature)
  const body =
    form.layout === 'rows'
      ? {
          rows: count.map((row) => ({
            values: each(row, value),
            ...(form.statuses ? { statuses: each(row, status) } : {}),
            ...(form.eventTimes ? { event_times: each(row, time) } : {}),
          })),
        }
      : {
          columns: output.map(({ name }, feature) => ({
            name,
            values: count.map((row) => value(row, feature)),
            ...(form.statuses ? { statuses: count.map((row) => status(row, feature)) } : {}),
            ...(form.eventTimes ? { event_times: count.map((row) => time(row, feature)) } : {}),
          })),
        }
  return { features: output.map(({ name }) => name), ...(form.types ? { types: output.map(typeName) } : {}), ...body }
}

/** Members that are JSON already. */
class Raw {
  readonly json: string
  constructor(json: string) {
    this.json = json
  }
}

function jsonOf(type: TypeData, cell: Cell, int64: AnswerForm['int64']): unknown {
  if (cell === null) return null
  if (type.kind === 'list') return (cell as readonly Cell[]).map((item) => jsonOf(type.element as TypeData, item, int64))
  if (type.kind === 'struct') return new Raw(cell as string)
  if (type.kind === 'int64' && int64 === 'number') return new Raw(String(cell))
  return fromCell(type, cell)
}

/** `JSON.stringify`, where objects with names of features are maps, so that their order stays whatever their names are. */
function stringify(value: unknown): string {
  if (value instanceof Raw) return value.json
  if (Array.isArray(value)) return `[${value.map(stringify).join(',')}]`
  const members = value instanceof Map ? [...value] : null
  if (members === null && (typeof value !== 'object' || value === null || value instanceof Float32Array))
    return JSON.stringify(value, plainJson)
  const named = members ?? Object.entries(value as object)
  return `{${named.map(([name, member]) => `${JSON.stringify(name)}:${stringify(member)}`).join(',')}}`
}

test('answers of all types and forms are what JSON.stringify makes of them', () => {
  fc.assert(
    fc.property(answers, forms, ({ columns, times }, form) => {
      const answer = answerOf(columns, times)
      const text = new AnswerEncoder(answer.plan, form.int64).encode(answer, form, '{', () => '}')
      assert.equal(text.toString(), stringify(objectOf(answer, form)))
    }),
    { numRuns: 1500 },
  )
})
