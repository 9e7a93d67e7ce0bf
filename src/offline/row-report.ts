import type { SourceData } from '../definition/index.ts'
import { LockstepError } from '../errors.ts'

/** A row that is set aside: row 1 is the first row of data in its file. */
export interface RowExample {
  readonly file: string
  readonly row: number
  readonly value: string | null
}

/** All rows that one column of a source refuses for one reason. The column is '' where the whole line is at fault. */
export interface RowProblem {
  readonly column: string
  readonly reason: string
  readonly count: number
  /** The first of them. */
  readonly examples: readonly RowExample[]
}

/** What became of the rows of a source. A row with several problems is set aside once. */
export interface RowReport {
  readonly source: string
  readonly rows: number
  readonly setAside: number
  readonly problems: readonly RowProblem[]
}

/** One line for each problem: `price is not a decimal, 3 rows, first in orders.csv row 17: "abc"`. */
export function formatProblems(problems: readonly RowProblem[]): string[] {
  return problems.map(({ column, reason, count, examples: [first] }) => {
    const place = first ? `, first in ${first.file} row ${first.row}${first.value === null ? '' : `: ${JSON.stringify(first.value)}`}` : ''
    return `${column === '' ? 'a row' : column} ${reason}, ${count} ${count === 1 ? 'row' : 'rows'}${place}`
  })
}

/** The error of a source whose policy is to refuse. */
export function refusal(source: SourceData, { setAside, rows, problems }: RowReport): LockstepError {
  const shown = formatProblems(problems.slice(0, 5))
  const more = problems.length > shown.length ? ` and ${problems.length - shown.length} problems more` : ''
  return new LockstepError('ROW_REFUSED', `${setAside} of ${rows} rows violate the schema: ${shown.join('; ')}${more}`, {
    where: `source ${source.name}`,
  })
}
