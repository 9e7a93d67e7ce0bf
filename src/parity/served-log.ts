import { glob } from 'node:fs/promises'
import { join } from 'node:path'
import type { AnyView } from '../definition/index.ts'
import { LockstepError } from '../errors.ts'
import { logColumns, statusColumn } from '../monitoring/index.ts'
import { type Duck, physicalType, quoteIdentifier, quoteList, quoteLiteral, transportSql, typedSql } from '../offline/index.ts'
import type { OutputValue, ViewPlan } from '../plan/index.ts'
import type { Cell, TypeData } from '../schema/index.ts'

/** The rows of a view in a feature log, as a table of the engine: in order of when they were served, each with its `__place`. */
export interface ServedLog {
  readonly table: string
  readonly reads: number
  readonly vectors: number
  /** Microseconds; null where there is no row. */
  readonly from: number | null
  readonly to: number | null
  /** The features of the view that the log has, by their places in the plan's output. */
  readonly features: readonly number[]
  /** Features that the log has and the view has not. */
  readonly unknown: readonly string[]
}

/** Reads what a feature log holds of a view in the version that it has. Throws `SOURCE_NOT_FOUND` or `SOURCE_SCHEMA`. */
export async function openServedLog(duck: Duck, plan: ViewPlan, folder: string): Promise<ServedLog> {
  const { view, output } = plan
  const files: string[] = []
  for await (const file of glob(join(`${view.name}@${view.version}`, '*', '*.parquet'), { cwd: folder })) files.push(join(folder, file))
  if (files.length === 0)
    throw new LockstepError('SOURCE_NOT_FOUND', `The feature log ${folder} holds nothing of ${view.name} version ${view.version}`, {
      remedy: 'Name the folder that the server logs to, and see that it logs a share of its reads.',
    })
  const from = `read_parquet(${quoteList(files.sort())}, union_by_name = true, hive_partitioning = false)`
  const table = duck.uniqueName('served')
  await duck.run(
    `CREATE TABLE ${table} AS SELECT ((row_number() OVER (ORDER BY __known, __read_id, __row)) - 1)::DOUBLE AS __place, * FROM ${from}`,
  )
  const names = (await duck.rows(`DESCRIBE ${table}`)).map(({ column_name: name }) => name as string)
  const missing = Object.keys(logColumns).find((name) => !names.includes(name))
  if (missing !== undefined)
    throw new LockstepError('SOURCE_SCHEMA', `The files of ${folder} are no feature log: they lack the column ${missing}`)
  const logged = names.filter((name) => names.includes(statusColumn(name)))
  const [counted] = await duck.rows(
    `SELECT count(*)::DOUBLE AS vectors, count(DISTINCT __read_id)::DOUBLE AS reads, epoch_us(min(__known))::DOUBLE AS first, epoch_us(max(__known))::DOUBLE AS last FROM ${table}`,
  )
  return {
    table,
    reads: counted?.reads as number,
    vectors: counted?.vectors as number,
    from: counted?.first as number | null,
    to: counted?.last as number | null,
    features: [...output.keys()].filter((place) => logged.includes((output[place] as OutputValue).name)),
    unknown: logged.filter((name) => !output.some((value) => value.name === name)),
  }
}

/** The column of a key in the table of `servedKeys`. */
export const keyColumn = (name: string): string => `key__${name}`

/** A table with the typed keys of each logged row, its `__place`, and its moment as `__at` in microseconds. */
export async function servedKeys(duck: Duck, view: AnyView, log: ServedLog): Promise<string> {
  const table = duck.uniqueName('served_keys')
  const raw = Object.keys(view.keys).map(
    (name) => `json_extract_string(__keys, ${quoteLiteral(`$.${JSON.stringify(name)}`)}) AS ${quoteIdentifier(name)}`,
  )
  const typed = Object.entries<TypeData>(view.keys).map(
    ([name, type]) => `${typedSql(type, { name, type: 'VARCHAR' }, 'UTC', 'feature log')} AS ${quoteIdentifier(keyColumn(name))}`,
  )
  await duck.run(
    `CREATE TABLE ${table} AS SELECT __place, __at, ${typed.join(', ')} FROM (SELECT __place, epoch_us(__moment)::DOUBLE AS __at, ${raw.join(', ')} FROM ${log.table})`,
  )
  return table
}

/** What a logged row says beside its values. */
export const rowColumns = {
  __place: { kind: 'float', nullable: false },
  __read_id: logColumns.__read_id,
  __moment: logColumns.__moment,
  __known: logColumns.__known,
  __keys: logColumns.__keys,
  __request: logColumns.__request,
  __groups: logColumns.__groups,
} as const satisfies Record<string, TypeData>

/** The SELECT list of a logged row in transport form: `rowColumns`, then value and status of each feature; and the types of these. */
export function servedColumns(
  plan: ViewPlan,
  { features }: ServedLog,
  row: string,
): { readonly sql: string; readonly types: readonly TypeData[] } {
  const nullable = (type: TypeData): TypeData => ({ ...type, nullable: true })
  const column = (name: string) => `${row}.${quoteIdentifier(name)}`
  const outputs = features.map((place) => plan.output[place] as OutputValue)
  const text: TypeData = { kind: 'string', nullable: true }
  const selected = [
    ...Object.entries<TypeData>(rowColumns).map(([name, type]) => transportSql(type, column(name))),
    ...outputs.flatMap(({ name, type }) => [
      transportSql(type, `CAST(${column(name)} AS ${physicalType(type)})`),
      column(statusColumn(name)),
    ]),
  ]
  return { sql: selected.join(', '), types: [...Object.values(rowColumns), ...outputs.flatMap(({ type }) => [nullable(type), text])] }
}

/** Whether what was read by a name and version was another definition then: by its hash in `name@version:hash`. */
export function wasOther(logged: readonly Cell[], name: string, version: number, hash: string): boolean {
  const prefix = `${name}@${version}:`
  return logged.some((text) => String(text).startsWith(prefix)) && !logged.includes(`${prefix}${hash}`)
}
