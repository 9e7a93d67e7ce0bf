import { LockstepError } from '../errors.ts'
import { type Moment, momentMicros } from '../lib/moment.ts'
import { suggestion } from '../lib/suggestion.ts'
import { quoteIdentifier, quoteLiteral } from '../offline/index.ts'

/** How rows are divided: by moment (train before `validate`, test from `test` on), or by a seeded hash of a label column, in shares. */
export type Split =
  | { readonly by: 'time'; readonly test: Moment; readonly validate?: Moment }
  | { readonly by: 'key'; readonly column: string; readonly shares: Readonly<Record<string, number>>; readonly seed?: number }

/** SQL that names the part of a label. All rows of one key fall into one part, whatever the machine or the other rows. */
export function splitSql(split: Split, columns: readonly string[]): string {
  if (split.by === 'time') {
    const validate = split.validate === undefined ? '' : ` WHEN __at >= ${momentMicros(split.validate, 'split.validate')} THEN 'validate'`
    return `CASE WHEN __at >= ${momentMicros(split.test, 'split.test')} THEN 'test'${validate} ELSE 'train' END`
  }
  if (!columns.includes(split.column))
    throw new LockstepError('INVALID_ARGUMENT', `The labels have no column ${split.column} to split by${suggestion(split.column, columns)}`)
  const parts = Object.entries(split.shares)
  const total = parts.reduce((sum, [, share]) => sum + share, 0)
  if (parts.length === 0 || parts.some(([, share]) => !(share > 0)))
    throw new LockstepError('INVALID_ARGUMENT', 'The shares of a split must be above 0')
  const hash = `('0x' || left(md5(${quoteLiteral(`${split.seed ?? 0}:`)} || coalesce(labels.${quoteIdentifier(split.column)}::VARCHAR, '')), 8))::UBIGINT`
  let reached = 0
  const cases = parts.map(([name, share]) => {
    reached += share
    return `WHEN ${hash} < ${Math.round((reached / total) * 2 ** 32)} THEN ${quoteLiteral(name)}`
  })
  return `CASE ${cases.join(' ')} END`
}
