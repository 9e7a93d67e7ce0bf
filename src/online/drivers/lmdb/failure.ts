import { LockstepError } from '../../../errors.ts'

/** Codes of LMDB: no place for a database; a page missing, of the wrong kind, of another version, no file of LMDB. */
const tablesFull = -30791
const corrupt = new Set([-30797, -30796, -30794, -30793])

/** An error of LMDB in our words; any other as it is. */
export function lmdbFailure(path: string, error: unknown): unknown {
  const { code, message } = error as { code?: unknown; message: string }
  if (typeof code !== 'number') return error
  if (code === tablesFull) {
    return new LockstepError('INVALID_ARGUMENT', 'The online store has more tables than this process may use', {
      where: path,
      remedy: 'Open it with a larger `maxTables`.',
    })
  }
  return new LockstepError(corrupt.has(code) ? 'STORE_CORRUPT' : 'STORE_UNAVAILABLE', `LMDB failed: ${message}`, {
    where: path,
    cause: error,
  })
}
