export type Align = 'left' | 'right'

export interface Column<Row> {
  readonly title: string
  readonly align?: Align
  readonly value: (row: Row) => string
}

/** Rows below their titles, each column as wide as its widest cell; no blanks at the ends of lines, no line at the end. */
export function formatTable<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  title: (text: string) => string = (text) => text,
): string {
  const cells = rows.map((row) => columns.map(({ value }) => oneLine(value(row))))
  const widths = columns.map((column, index) => Math.max(widthOf(column.title), ...cells.map((row) => widthOf(row[index] ?? ''))))
  const line = (texts: readonly string[]) =>
    texts
      .map((text, index) => {
        const blanks = ' '.repeat((widths[index] ?? 0) - widthOf(text))
        return columns[index]?.align === 'right' ? blanks + text : text + blanks
      })
      .join('  ')
      .trimEnd()
  return [title(line(columns.map((column) => column.title))), ...cells.map(line)].join('\n')
}

/** Names and what belongs to them, in two columns without titles. Those that are null are left out. */
export function formatPairs(pairs: readonly (readonly [name: string, value: string | null])[]): string {
  const given = pairs.filter((pair): pair is readonly [string, string] => pair[1] !== null)
  const width = Math.max(0, ...given.map(([name]) => widthOf(name)))
  return given.map(([name, value]) => `${name.padEnd(width)}  ${oneLine(value)}`.trimEnd()).join('\n')
}

const widthOf = (text: string): number => [...text].length
const oneLine = (text: string): string => text.replace(/\s*[\r\n]+\s*/g, ' ')
