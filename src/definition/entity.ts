import { LockstepError } from '../errors.ts'
import { deepFreeze } from '../lib/deep-freeze.ts'
import { ColumnType, type Kind, type TypeData, type ValueOf } from '../schema/index.ts'
import { checkName } from './naming.ts'

/** Kinds that can be part of an entity key. */
type KeyKind = 'string' | 'oneOf' | 'integer' | 'int64' | 'boolean' | 'date' | 'timestamp' | 'decimal'
export type KeyColumns = Readonly<Record<string, ColumnType<KeyKind, unknown, false>>>

/** What features describe, such as a user or an item, and the columns that identify one. */
export interface Entity<Columns extends KeyColumns = KeyColumns> {
  readonly kind: 'entity'
  readonly name: string
  readonly keys: Readonly<Record<keyof Columns & string, TypeData>>
  readonly description: string
  /** The types of the key columns, for inference only. */
  readonly columns?: Columns
}

/** A key as callers give it. */
export type KeyOf<E> = E extends Entity<infer Columns> ? { readonly [Name in keyof Columns & string]: ValueOf<Columns[Name]> } : never

export const keyKinds: readonly Kind[] = ['string', 'oneOf', 'integer', 'int64', 'boolean', 'date', 'timestamp', 'decimal']

/**
 * Declares an entity: `entity('user', { user_id: t.string() })`. Several columns make a composite key.
 * Throws `INVALID_DEFINITION` for no column, or a key column that is nullable or of a kind without equality.
 */
export function entity<const Columns extends KeyColumns>(
  name: string,
  columns: Columns,
  options: { readonly description?: string } = {},
): Entity<Columns> {
  checkName(name, 'entity')
  const keys: Record<string, TypeData> = {}
  for (const [column, type] of Object.entries(columns)) {
    checkName(column, 'key column', name)
    if (!(type instanceof ColumnType))
      throw new LockstepError('INVALID_DEFINITION', `The key column ${column} has no type`, { where: `entity ${name}` })
    if (type.data.nullable || !keyKinds.includes(type.data.kind)) {
      throw new LockstepError(
        'INVALID_DEFINITION',
        `The key column ${column} is ${type.data.nullable ? 'nullable' : `a ${type.data.kind}`}, which cannot identify anything`,
        { where: `entity ${name}` },
      )
    }
    keys[column] = type.data
  }
  if (Object.keys(keys).length === 0)
    throw new LockstepError('INVALID_DEFINITION', 'An entity needs a key column', { where: `entity ${name}` })
  return Object.freeze({ kind: 'entity', name, keys: deepFreeze(keys), description: options.description ?? '' }) as Entity<Columns>
}
