import { LockstepError } from '../../errors.ts'

/** A deadlock, and a transaction that another one outran: nothing of it is stored, and it may be tried again. */
const outrun = new Set(['40P01', '40001'])
/** No such table or schema: somebody removed it since it was found. */
const gone = new Set(['42P01', '3F000'])
/** A damaged page or index; a column of another type, or none. */
const corrupt = new Set(['XX001', 'XX002', '42703', '42804', '42883'])

export const codeOf = (error: unknown): string => String((error as { code?: unknown } | null)?.code ?? '')
export const isOutrun = (error: unknown): boolean => outrun.has(codeOf(error))
export const isGone = (error: unknown): boolean => gone.has(codeOf(error))

/** What the server or the way to it says, in our words; `owner`: what the tables are of. No message of PostgreSQL holds a password. */
export function postgresFailure(owner: string, where: string, error: unknown): unknown {
  if (error instanceof LockstepError || !(error instanceof Error)) return error
  const reason = error.message || codeOf(error)
  return corrupt.has(codeOf(error))
    ? new LockstepError('STORE_CORRUPT', `The tables are not those of ${owner}: ${reason}`, { where, cause: error })
    : new LockstepError('STORE_UNAVAILABLE', `PostgreSQL failed: ${reason}`, { where, cause: error })
}
