import { JsonWriter } from '../lib/json-writer.ts'
import { formatDate } from '../lib/moment.ts'
import type { OutputValue, ViewPlan } from '../plan/index.ts'
import type { Cell, TypeData } from '../schema/index.ts'
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

/** Writes a cell that is not null. */
type CellWriter = (cell: Cell, to: JsonWriter) => void

const [comma, colon, quote] = [0x2c, 0x3a, 0x22]
const [brackets, braces] = [
  [0x5b, 0x5d],
  [0x7b, 0x7d],
] as const
const bytesOf = (json: string): Uint8Array => new TextEncoder().encode(json)
const statusTexts = featureStatuses.map((status) => JSON.stringify(status))
/** One for all answers: nothing waits while it is in use. */
const writer = new JsonWriter()

/** Writes answers to one plan as JSON: names, types and what never changes once; of each value only the value. */
export class AnswerEncoder {
  readonly #plan: ViewPlan
  readonly #writers: readonly CellWriter[]
  readonly #names: readonly string[]
  readonly #features: Uint8Array
  /** Of each status, as many of it as there are features, without brackets. */
  readonly #sameStatus: readonly Uint8Array[]
  readonly #typeList: string

  constructor(plan: ViewPlan, int64: AnswerForm['int64']) {
    this.#plan = plan
    this.#writers = plan.output.map(({ type }) => cellWriter(type, int64))
    this.#names = plan.output.map(({ name }) => JSON.stringify(name))
    this.#sameStatus = statusTexts.map((text) => bytesOf(plan.output.map(() => text).join(',')))
    this.#features = bytesOf(`"features":[${this.#names.join(',')}]`)
    this.#typeList = JSON.stringify(plan.output.map(typeName))
  }

  /** An answer with its features between other members, which are JSON already. */
  encode(answer: Answer, form: AnswerForm, before: string, behind: () => string): Buffer {
    writer.clear().raw(before).fragment(this.#features)
    if (form.types) writer.raw(`,"types":${this.#typeList}`)
    if (form.layout === 'rows') this.#rows(answer, form)
    else this.#columns(answer, form)
    return writer.raw(behind()).finish()
  }

  #rows(answer: Answer, form: AnswerForm): void {
    const byName = form.names === 'per_row'
    writer.raw(',"rows":[')
    for (let row = 0; row < answer.rows; row++) {
      writer.raw(row > 0 ? ',{"values":' : '{"values":')
      this.#values(answer, row, byName)
      if (form.statuses) {
        writer.raw(',"statuses":')
        if (byName) this.#each(byName, (feature) => this.#status(answer, row, feature))
        else this.#statuses(answer, row)
      }
      if (form.eventTimes) {
        writer.raw(',"event_times":')
        this.#each(byName, (feature) => this.#time(answer, row, feature))
      }
      writer.raw('}')
    }
    writer.raw(']')
  }

  #columns(answer: Answer, form: AnswerForm): void {
    writer.raw(',"columns":[')
    for (const [feature, name] of this.#names.entries()) {
      writer.raw(`${feature > 0 ? ',' : ''}{"name":${name},"values":[`)
      this.#down(answer, (row) => this.#value(answer, row, feature))
      if (form.statuses) {
        writer.raw('],"statuses":[')
        this.#down(answer, (row) => this.#status(answer, row, feature))
      }
      if (form.eventTimes) {
        writer.raw('],"event_times":[')
        this.#down(answer, (row) => this.#time(answer, row, feature))
      }
      writer.raw(']}')
    }
    writer.raw(']')
  }

  /** As `#each` of values, most of what is written: a call less for each takes a tenth off writing an answer. */
  #values(answer: Answer, row: number, byName: boolean): void {
    writer.byte(byName ? braces[0] : brackets[0])
    for (let feature = 0; feature < this.#names.length; feature++) {
      this.#begin(feature, byName)
      this.#value(answer, row, feature)
    }
    writer.byte(byName ? braces[1] : brackets[1])
  }

  /** Something of each feature of a row, as a list or by name. */
  #each(byName: boolean, write: (feature: number) => void): void {
    writer.byte(byName ? braces[0] : brackets[0])
    for (let feature = 0; feature < this.#names.length; feature++) {
      this.#begin(feature, byName)
      write(feature)
    }
    writer.byte(byName ? braces[1] : brackets[1])
  }

  /** What stands before something of a feature in a row. */
  #begin(feature: number, byName: boolean): void {
    if (feature > 0) writer.byte(comma)
    if (byName) writer.raw(this.#names[feature] as string).byte(colon)
  }

  /** Something of a feature in each row. */
  #down({ rows }: Answer, write: (row: number) => void): void {
    for (let row = 0; row < rows; row++) {
      if (row > 0) writer.byte(comma)
      write(row)
    }
  }

  #value(answer: Answer, row: number, feature: number): void {
    const cell = answer.cells[row * this.#writers.length + feature] as Cell
    if (cell === null) writer.raw('null')
    else (this.#writers[feature] as CellWriter)(cell, writer)
  }

  #status(answer: Answer, row: number, feature: number): void {
    writer.raw(statusTexts[answer.statuses[row * this.#writers.length + feature] as number] as string)
  }

  /** Of a row as a list: features that follow each other mostly have one status, which is written for all of them at once. */
  #statuses({ statuses }: Answer, row: number): void {
    const begin = row * this.#writers.length
    const end = begin + this.#writers.length
    writer.byte(brackets[0])
    for (let at = begin; at < end; ) {
      if (at > begin) writer.byte(comma)
      const first = at
      const status = statuses[at] as number
      while (at < end && statuses[at] === status) at++
      const text = statusTexts[status] as string
      if (at === first + 1) writer.raw(text)
      else writer.fragment(this.#sameStatus[status] as Uint8Array, (at - first) * (text.length + 1) - 1)
    }
    writer.byte(brackets[1])
  }

  #time(answer: Answer, row: number, feature: number): void {
    const time = answer.eventTime(row, feature)
    if (time === null) writer.raw('null')
    else writer.moment(time)
  }

  /** The plan that it writes answers to. */
  get plan(): ViewPlan {
    return this.#plan
  }
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

/** Writes the JSON of cells. What JSON has no number for stands as text: NaN, infinities, and 64 bits unless asked for as a number. */
export function cellWriter(type: TypeData, int64: AnswerForm['int64']): CellWriter {
  switch (type.kind) {
    case 'integer':
      return (cell, to) => to.number(cell as number)
    case 'boolean':
      return (cell, to) => to.raw(cell ? 'true' : 'false')
    case 'float':
      return (cell, to) => (Number.isFinite(cell) ? to.number(cell as number) : to.raw(`"${cell}"`))
    case 'int64':
      return (cell, to) => to.raw(int64 === 'number' ? String(cell) : `"${cell}"`)
    case 'decimal': {
      const scale = type.scale ?? 0
      return (cell, to) =>
        to
          .byte(quote)
          .decimal(cell as number, scale)
          .byte(quote)
    }
    case 'timestamp':
      return (cell, to) => to.moment(cell as number)
    case 'date':
      return (cell, to) => to.text(formatDate(cell as number))
    case 'string':
    case 'oneOf':
      return (cell, to) => to.text(cell as string)
    case 'list': {
      const write = cellWriter(type.element as TypeData, int64)
      return (cell, to) => {
        to.raw('[')
        for (const [index, item] of (cell as readonly Cell[]).entries()) {
          if (index > 0) to.byte(comma)
          if (item === null) to.raw('null')
          else write(item, to)
        }
        to.raw(']')
      }
    }
    case 'vector':
      return (cell, to) => to.raw(JSON.stringify(Array.from(cell as Float32Array)))
    case 'struct':
      return (cell, to) => to.raw(cell as string)
  }
}

export type CellText = (cell: Cell) => string

/** The same JSON as a text. */
export function cellText(type: TypeData, int64: AnswerForm['int64']): CellText {
  const write = cellWriter(type, int64)
  return (cell) => {
    write(cell, writer.clear())
    return writer.finish().toString()
  }
}
