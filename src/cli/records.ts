import { formatValue } from './format.ts'
import { type Column, formatTable } from './table.ts'

/** What is shown of one thing: the same names for programs and for people. */
export type ThingRecord = Readonly<Record<string, string | number | readonly string[] | null>>

/** Records of one kind as a table; columns in which no record says anything are left out. */
export function formatRecords(records: readonly ThingRecord[], title: (text: string) => string): string {
  const names = Object.keys(records[0] ?? {}).filter((name) => records.some((record) => textOf(record[name]) !== ''))
  const columns = names.map(
    (name): Column<ThingRecord> => ({
      title: titleOf(name),
      align: records.every((record) => typeof record[name] === 'number') ? 'right' : 'left',
      value: (record) => textOf(record[name]),
    }),
  )
  return formatTable(records, columns, title)
}

/** A text of its own, a list with commas, nothing of null. */
export function textOf(value: ThingRecord[string] | undefined): string {
  if (value === null || value === undefined) return ''
  return Array.isArray(value) ? value.join(', ') : formatValue(value)
}

/** `removeAfter` as people read it: `remove after`. */
export const titleOf = (name: string): string => name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
