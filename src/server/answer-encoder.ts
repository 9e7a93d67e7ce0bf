import { formatMoment } from '../lib/moment.ts'
import type { OutputValue, ViewPlan } from '../plan/index.ts'
import { type Cell, formatDecimal, fromCell, type TypeData } from '../schema/index.ts'
import { type Answer, featureStatuses } from '../serving/index.ts'

/** What an answer holds beside the values, and how. */
export interface AnswerForm {
  readonly layout: 'rows' | 'columns'
  /** The names of features once, before all values, or beside each value. */
  readonly names: 'once' | 'per_row'
  readonly statuses: boolean
  readonly eventTimes: boolean
  readonly types: boolean
  readonly int64: 'string' | 'number'
}

export type CellText = (cell: Cell) => string

const statusTexts = featureStatuses.map((status) => JSON.stringify(status))

/** Writes answers to one plan as JSON: names, types and what never changes once; of each value only the value. */
export class AnswerEncoder {
  readonly #plan: ViewPlan
  readonly #texts: readonly CellText[]
  readonly #names: readonly string[]
  readonly #nameList: string
  readonly #typeList: string

  constructor(plan: ViewPlan, int64: AnswerForm['int64']) {
    this.#plan = plan
    this.#texts = plan.output.map(({ type }) => cellText(type, int64))
    this.#names = plan.output.map(({ name }) => JSON.stringify(name))
    this.#nameList = `[${this.#names.join(',')}]`
    this.#typeList = JSON.stringify(plan.output.map(typeName))
  }

  /** The members of an answer that hold its features, without braces. */
  encode(answer: Answer, form: AnswerForm): string {
    const types = form.types ? `,"types":${this.#typeList}` : ''
    const body = form.layout === 'rows' ? `"rows":${this.#rows(answer, form)}` : `"columns":${this.#columns(answer, form)}`
    return `"features":${this.#nameList}${types},${body}`
  }

  #rows(answer: Answer, form: AnswerForm): string {
    let text = '['
    const list =
      form.names === 'once' ? (items: (at: number) => string) => this.#list(items) : (items: (at: number) => string) => this.#object(items)
    for (let row = 0; row < answer.rows; row++) {
      const first = row * this.#names.length
      text += row > 0 ? ',{"values":' : '{"values":'
      text += list((feature) => this.#value(answer, first + feature, feature))
      if (form.statuses) text += `,"statuses":${list((feature) => statusTexts[answer.statuses[first + feature] as number] as string)}`
      if (form.eventTimes) text += `,"event_times":${list((feature) => timeText(answer, row, feature))}`
      text += '}'
    }
    return `${text}]`
  }

  #columns(answer: Answer, form: AnswerForm): string {
    const rows = Array.from({ length: answer.rows }, (_, row) => row)
    const columns = this.#names.map((name, feature) => {
      const at = (row: number) => row * this.#names.length + feature
      let text = `{"name":${name},"values":[${rows.map((row) => this.#value(answer, at(row), feature)).join(',')}]`
      if (form.statuses) text += `,"statuses":[${rows.map((row) => statusTexts[answer.statuses[at(row)] as number]).join(',')}]`
      if (form.eventTimes) text += `,"event_times":[${rows.map((row) => timeText(answer, row, feature)).join(',')}]`
      return `${text}}`
    })
    return `[${columns.join(',')}]`
  }

  #value(answer: Answer, at: number, feature: number): string {
    const cell = answer.cells[at] as Cell
    return cell === null ? 'null' : (this.#texts[feature] as CellText)(cell)
  }

  #list(item: (feature: number) => string): string {
    const features = this.#names.length
    let text = features > 0 ? `[${item(0)}` : '['
    for (let feature = 1; feature < features; feature++) text += `,${item(feature)}`
    return `${text}]`
  }

  #object(item: (feature: number) => string): string {
    return `{${this.#names.map((name, feature) => `${name}:${item(feature)}`).join(',')}}`
  }

  /** The plan that it writes answers to. */
  get plan(): ViewPlan {
    return this.#plan
  }
}

function timeText(answer: Answer, row: number, feature: number): string {
  const time = answer.eventTime(row, feature)
  return time === null ? 'null' : `"${formatMoment(time)}"`
}

/** `decimal(12, 2)`, `list(string)`. */
export function typeName({ type }: Pick<OutputValue, 'type'>): string {
  switch (type.kind) {
    case 'decimal':
      return `decimal(${type.precision}, ${type.scale})`
    case 'list':
      return `list(${typeName({ type: type.element as TypeData })})`
    case 'vector':
      return `vector(${type.length})`
    case 'oneOf':
      return 'string'
    default:
      return type.kind
  }
}

/** JSON of a cell. What JSON has no number for stands as text: NaN, infinities, and 64 bits unless asked for as a number. */
export function cellText(type: TypeData, int64: AnswerForm['int64']): CellText {
  switch (type.kind) {
    case 'integer':
      return (cell) => String(cell)
    case 'boolean':
      return (cell) => (cell ? 'true' : 'false')
    case 'float':
      return (cell) => (Number.isFinite(cell) ? String(cell) : `"${cell}"`)
    case 'int64':
      return int64 === 'number' ? (cell) => String(cell) : (cell) => `"${cell}"`
    case 'decimal':
      return (cell) => `"${formatDecimal(cell as number, type.scale ?? 0)}"`
    case 'timestamp':
      return (cell) => `"${formatMoment(cell as number)}"`
    case 'list': {
      const item = cellText(type.element as TypeData, int64)
      return (cell) => `[${(cell as readonly Cell[]).map((one) => (one === null ? 'null' : item(one))).join(',')}]`
    }
    case 'vector':
      return (cell) => `[${(cell as Float32Array).join(',')}]`
    case 'struct':
      return (cell) => cell as string
    default:
      return (cell) => JSON.stringify(fromCell(type, cell))
  }
}
