import { formatMoment } from '../lib/moment.ts'
import { type Duck, quoteIdentifier } from '../offline/index.ts'
import type { StagedLabels } from './labels.ts'

/**
 * The columns of labels as JavaScript values: those of rows in memory as they were given; those of files with moments as
 * ISO strings (to the microsecond), dates as `YYYY-MM-DD`, and whole numbers as numbers where these hold them exactly.
 */
export class LabelRows {
  readonly #duck: Duck
  readonly #labels: StagedLabels
  readonly #select: string
  readonly #moments: readonly string[]

  /** `more` is SQL of further columns, such as the split. */
  constructor(duck: Duck, labels: StagedLabels, more: readonly string[]) {
    this.#duck = duck
    this.#labels = labels
    const own = labels.given
      ? []
      : labels.columns.map(({ name, type }) => `${readable(`labels.${quoteIdentifier(name)}`, type)} AS ${quoteIdentifier(name)}`)
    this.#select = [...own, ...more].join(', ')
    this.#moments = labels.given ? [] : labels.columns.filter(({ type }) => isMoment(type)).map(({ name }) => name)
  }

  async read(first: number, count: number): Promise<Record<string, unknown>[]> {
    const range = `__row >= ${first} AND __row < ${first + count}`
    const rows = this.#select === '' ? [] : await this.#duck.rows(`SELECT ${this.#select} FROM labels WHERE ${range} ORDER BY __row`)
    for (const row of rows) {
      for (const name of this.#moments) if (row[name] !== null) row[name] = formatMoment(row[name] as number)
      for (const [name, value] of Object.entries(row))
        if (typeof value === 'bigint' && Number.isSafeInteger(Number(value))) row[name] = Number(value)
    }
    return Array.from({ length: count }, (_, row) => ({ ...this.#labels.given?.[first + row], ...rows[row] }))
  }
}

const isMoment = (type: string): boolean => type.startsWith('TIMESTAMP')

function readable(sql: string, type: string): string {
  if (isMoment(type)) return `epoch_us(${sql}::${type === 'TIMESTAMP WITH TIME ZONE' ? 'TIMESTAMPTZ' : 'TIMESTAMP'})::DOUBLE`
  return type === 'DATE' ? `${sql}::VARCHAR` : sql
}
