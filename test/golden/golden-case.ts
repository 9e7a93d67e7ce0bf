import { FeatureGroup, rows as history } from '../../src/definition/index.ts'
import { LockstepError } from '../../src/errors.ts'
import type { TypeData } from '../../src/schema/index.ts'

export type PublicRow = Readonly<Record<string, unknown>>

/** A question and its known answer, in public values. */
export interface GoldenRead {
  /** The key columns of the group; more columns where a label would have them. */
  readonly key: PublicRow
  readonly at: string
  readonly values: PublicRow
  readonly status: 'PRESENT' | 'NOT_FOUND' | 'STALE'
}

/** A case of `windowCases` or `pointInTimeCases`: for every path that computes features. */
export interface GoldenCase {
  readonly name: string
  readonly group: FeatureGroup
  /** The history of the group's source, in public values and in order of arrival. */
  readonly rows: readonly PublicRow[]
  readonly asKnown: boolean
  readonly reads: readonly GoldenRead[]
}

export interface GoldenTable {
  readonly name: string
  readonly group: FeatureGroup
  /** A line of column names, then a line for each row; `-` is null. */
  readonly rows: string
  /** The key columns, `at`, the features, and `status` where it is not PRESENT (`-` is PRESENT too). */
  readonly reads: string
  readonly asKnown?: boolean
  /** Types of columns of the reads that are neither keys nor features. */
  readonly labels?: Readonly<Record<string, TypeData>>
}

export function goldenCase({ name, group, rows, reads, asKnown = false, labels = {} }: GoldenTable): GoldenCase {
  const keys = { ...group.entity.keys, ...labels }
  const features = Object.fromEntries(Object.entries(group.features).map(([feature, node]) => [feature, node.type]))
  return {
    name,
    group,
    rows: parseTable(rows, group.source.columns),
    asKnown,
    reads: parseTable(reads, { ...keys, ...features, at: text, status: text }).map((read) => ({
      key: pick(read, Object.keys(keys)),
      at: read.at as string,
      values: pick(read, Object.keys(features)),
      status: (read.status ?? 'PRESENT') as GoldenRead['status'],
    })),
  }
}

/** The group of a case with its rows as the history of its source. */
export function groupWithHistory({ group, rows }: GoldenCase): FeatureGroup {
  return new FeatureGroup({ ...group, source: { ...group.source, history: history(rows) } })
}

const text: TypeData = { kind: 'string', nullable: true }

function pick(row: PublicRow, columns: readonly string[]): PublicRow {
  return Object.fromEntries(columns.filter((column) => column in row).map((column) => [column, row[column]]))
}

/** Reads a text table whose columns are apart by spaces. */
function parseTable(table: string, types: Readonly<Record<string, TypeData>>): PublicRow[] {
  const lines = table
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/ +/))
  const [columns = [], ...body] = lines
  return body.map((words) => {
    if (words.length !== columns.length)
      throw new LockstepError('INVALID_ARGUMENT', `The line ${words.join(' ')} does not have ${columns.length} columns`)
    return Object.fromEntries(columns.map((column, index) => [column, parseValue(words[index] as string, types[column], column)]))
  })
}

function parseValue(word: string, type: TypeData | undefined, column: string): unknown {
  if (!type) throw new LockstepError('UNKNOWN_COLUMN', `The table names the column ${column}, which is not declared`)
  if (word === '-') return null
  switch (type.kind) {
    case 'integer':
    case 'float':
    case 'boolean':
    case 'list':
    case 'struct':
      return JSON.parse(word)
    case 'int64':
      return BigInt(word)
    default:
      return word
  }
}
