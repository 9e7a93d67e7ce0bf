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
  readonly #allPresent: string
  readonly #typeList: string

  constructor(plan: ViewPlan, int64: AnswerForm['int64']) {
    this.#plan = plan
    this.#texts = plan.output.map(({ type }) => cellText(type, int64))
    this.#names = plan.output.map(({ name }) => JSON.stringify(name))
    this.#allPresent = `[${plan.output.map(() => statusTexts[0]).join(',')}]`
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
    for (let row = 0; row < answer.rows; row++) {
      text += row > 0 ? ',{"values":' : '{"values":'
      text += form.names === 'once' ? this.#valueList(answer, row) : this.#object((feature) => this.#value(answer, row, feature))
      if (form.statuses)
        text += `,"statuses":${form.names === 'once' ? this.#statusList(answer, row) : this.#object((feature) => this.#status(answer, row, feature))}`
      if (form.eventTimes) {
        const times = this.#names.map((_, feature) => timeText(answer, row, feature))
        text += `,"event_times":${form.names === 'once' ? `[${times.join(',')}]` : this.#object((feature) => times[feature] as string)}`
      }
      text += '}'
    }
    return `${text}]`
  }

  #columns(answer: Answer, form: AnswerForm): string {
    const rows = Array.from({ length: answer.rows }, (_, row) => row)
    const columns = this.#names.map((name, feature) => {
      let text = `{"name":${name},"values":[${rows.map((row) => this.#value(answer, row, feature)).join(',')}]`
      if (form.statuses) text += `,"statuses":[${rows.map((row) => this.#status(answer, row, feature)).join(',')}]`
      if (form.eventTimes) text += `,"event_times":[${rows.map((row) => timeText(answer, row, feature)).join(',')}]`
      return `${text}}`
    })
    return `[${columns.join(',')}]`
  }

  #value(answer: Answer, row: number, feature: number): string {
    const cell = answer.cells[row * this.#texts.length + feature] as Cell
    return cell === null ? 'null' : (this.#texts[feature] as CellText)(cell)
  }

  #status(answer: Answer, row: number, feature: number): string {
    return statusTexts[answer.statuses[row * this.#texts.length + feature] as number] as string
  }

  #valueList(answer: Answer, row: number): string {
    let text = '['
    for (let feature = 0; feature < this.#texts.length; feature++) text += (feature > 0 ? ',' : '') + this.#value(answer, row, feature)
    return `${text}]`
  }

  /** Most rows have all that they are asked for. */
  #statusList(answer: Answer, row: number): string {
    const first = row * this.#texts.length
    const statuses = answer.statuses.subarray(first, first + this.#texts.length)
    if (statuses.every((code) => code === 0)) return this.#allPresent
    return `[${Array.from(statuses, (code) => statusTexts[code]).join(',')}]`
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
