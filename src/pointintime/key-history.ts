import { columnOf, type Duck, type Scan } from '../offline/index.ts'
import type { GroupUse } from '../plan/index.ts'
import type { Cell } from '../schema/index.ts'
import { quoteIdentifier } from './context.ts'

/** The rows of one key of a source, read once into a table of the engine. */
export interface KeyHistory {
  /** All of them: of events in every version, with `__known` and `__superseded`. */
  readonly all: Scan
  /** Of events only the latest version of each. */
  readonly latest: Scan
  /** A SELECT of the key as the only dense one, 0. */
  readonly keysSql: string
}

/** `scan` must give all versions. */
export async function readKey(duck: Duck, use: GroupUse, scan: Scan, key: readonly Cell[]): Promise<KeyHistory> {
  const keys = duck.uniqueName('explained_key')
  const types = [{ kind: 'float', nullable: false } as const, ...use.keys.map(({ type }) => type)]
  await duck.createTable(keys, Object.fromEntries(types.map((type, index) => [index === 0 ? '__k' : `key_${index - 1}`, type])))
  await duck.append(
    keys,
    types,
    types.map((type, index) => columnOf(type, [index === 0 ? 0 : (key[index - 1] as Cell)])),
    1,
  )
  const { group } = use.plan
  const join = use.keys.map((part, index) => `s.${quoteIdentifier(group.keys[part.key] as string)} = k.key_${index}`).join(' AND ')
  const rows = duck.uniqueName('explained_rows')
  await duck.run(`CREATE TABLE ${rows} AS SELECT s.* FROM (${scan.sql}) s JOIN ${keys} k ON ${join}`)
  return {
    all: { ...scan, sql: `SELECT * FROM ${rows}` },
    latest: { ...scan, sql: `SELECT * FROM ${rows} WHERE __superseded IS NULL` },
    keysSql: `SELECT * FROM ${keys}`,
  }
}
