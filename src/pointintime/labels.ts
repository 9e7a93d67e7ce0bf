import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { fileHistory, type History, rows } from '../definition/index.ts'
import { LockstepError } from '../errors.ts'
import { canonicalJson } from '../lib/canonical-json.ts'
import { suggestion } from '../lib/suggestion.ts'
import { type Duck, quoteIdentifier, rawRelation, typedSql } from '../offline/index.ts'
import type { ViewPlan } from '../plan/index.ts'
import type { TypeData } from '../schema/index.ts'

export interface LabelOptions {
  /** The column that holds the moment of each label; `at` by default. */
  readonly moment?: string
  /** Label columns of view keys and request values that are called otherwise: `{ user_id: 'customer' }`. */
  readonly columns?: Readonly<Record<string, string>>
  /** IANA zone of moments that name none; UTC by default. */
  readonly timeZone?: string
}

/** Labels: rows with keys, a moment, and anything else (a target, weights). */
export interface Labels extends LabelOptions {
  readonly history: History
}

/** Labels from a file by the ending of its name, or from rows. */
export function labelsFrom(from: string | readonly Readonly<Record<string, unknown>>[], options: LabelOptions = {}): Labels {
  return { history: typeof from === 'string' ? fileHistory(from) : rows(from), ...options }
}

/** Labels in a table of the engine: their own columns, and `__row`, `__at` (microseconds), and each key and request value as `__key_x`, `__request_x`. */
export interface StagedLabels {
  readonly table: string
  readonly count: number
  readonly columns: readonly { readonly name: string; readonly type: string }[]
  /** Rows in memory, as they were given. */
  readonly given: readonly Readonly<Record<string, unknown>>[] | null
  readonly hash: string
}

export const labelKey = (name: string): string => `__key_${name}`
export const labelRequest = (name: string): string => `__request_${name}`

/** Reads the labels of a view into a table; `found` is called once they can be. Throws `MISSING_KEY`, `INVALID_VALUE` or `SOURCE_NOT_FOUND` with the row. */
export async function stageLabels(duck: Duck, plan: ViewPlan, labels: Labels, found?: () => Promise<void>): Promise<StagedLabels> {
  const raw = await rawRelation(duck, labels.history, 'labels')
  await found?.()
  const columns = raw.columns.map(({ name }) => name)
  const columnOf = (name: string, what: string) => {
    const column = labels.columns?.[name] ?? name
    const own = raw.columns.find((candidate) => candidate.name === column)
    if (own) return own
    throw new LockstepError('MISSING_KEY', `The labels have no column ${column} for the ${what}${suggestion(column, columns)}`, {
      remedy: `Add the column, or name it: columns: { ${name}: '...' } (on the command line --column ${name}=NAME).`,
    })
  }
  const moment = raw.columns.find(({ name }) => name === (labels.moment ?? 'at'))
  if (!moment) {
    throw new LockstepError(
      'MISSING_KEY',
      `The labels have no column ${labels.moment ?? 'at'} for the moment${suggestion(labels.moment ?? 'at', columns)}`,
      { remedy: "Name it: moment: '...' (on the command line --moment NAME)." },
    )
  }
  const typed = [
    ...Object.entries<TypeData>(plan.view.keys).map(([name, type]) => ({
      name: labelKey(name),
      column: columnOf(name, `key ${name}`),
      type,
    })),
    ...plan.steps
      .flatMap(({ request }) => request)
      .map(({ name, type }) => ({ name: labelRequest(name), column: columnOf(name, `request value ${name}`), type })),
  ].filter((item, index, all) => all.findIndex(({ name }) => name === item.name) === index)
  const zone = labels.timeZone ?? 'UTC'
  const casts = typed.map(({ name, column, type }) => `, ${typedSql(type, column, zone, 'labels')} AS ${quoteIdentifier(name)}`).join('')
  const at = typedSql({ kind: 'timestamp', nullable: false }, moment, zone, 'labels')
  const own = columns.map(quoteIdentifier).join(', ')
  await duck.run(
    `CREATE OR REPLACE TABLE labels AS SELECT (row_number() OVER ()) - 1 AS __row, epoch_us(${at})::DOUBLE AS __at${casts}, ${own} FROM (${raw.sql})`,
  )
  await refuseMissing(duck, '__at', moment.name, 'cannot be read as a moment')
  for (const { name, column, type } of typed) {
    await refuseWhere(
      duck,
      `${quoteIdentifier(name)} IS NULL AND ${quoteIdentifier(column.name)} IS NOT NULL`,
      column.name,
      `cannot be read as a ${type.kind}${type.kind === 'oneOf' ? ` of ${type.values?.join(', ')}` : ''}`,
    )
    if (name.startsWith(labelRequest('')) && !type.nullable)
      await refuseMissing(duck, name, column.name, 'is missing, and the on-demand view needs it')
  }
  const [row] = await duck.rows('SELECT count(*)::DOUBLE AS count FROM labels')
  return {
    table: 'labels',
    count: row?.count as number,
    columns: raw.columns,
    given: labels.history.kind === 'rows' ? labels.history.rows : null,
    hash: await hashOf(labels.history),
  }
}

const refuseMissing = (duck: Duck, staged: string, column: string, why: string): Promise<void> =>
  refuseWhere(duck, `${quoteIdentifier(staged)} IS NULL`, column, why)

async function refuseWhere(duck: Duck, condition: string, column: string, why: string): Promise<void> {
  const [row] = await duck.rows(
    `SELECT __row::DOUBLE AS row, ${quoteIdentifier(column)}::VARCHAR AS value FROM labels WHERE ${condition} ORDER BY __row LIMIT 1`,
  )
  if (row)
    throw new LockstepError('INVALID_VALUE', `${row.value === null ? 'A missing value' : JSON.stringify(row.value)} ${why}`, {
      where: `labels, row ${(row.row as number) + 1}, column ${column}`,
    })
}

/** SHA-256 of the bytes of the files, or of the rows. */
async function hashOf(history: History): Promise<string> {
  const hash = createHash('sha256')
  if (history.kind === 'rows') return hash.update(canonicalJson(history.rows)).digest('hex')
  const { glob } = await import('node:fs/promises')
  for (const path of typeof history.path === 'string' ? [history.path] : history.path) {
    const files: string[] = []
    for await (const file of glob(path)) files.push(file)
    for (const file of files.sort()) for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer)
  }
  return hash.digest('hex')
}
