import { LockstepError } from '../../../errors.ts'

/** Result codes of SQLite (https://www.sqlite.org/rescode.html): another connection writes; a statement fits no table; a damaged file, or none. */
const [failed, busy, corrupt, noDatabase] = [1, 5, 11, 26]

/** The primary code, without what extends it. */
const codeOf = (error: unknown): number => Number((error as { errcode?: number } | null)?.errcode ?? 0) & 0xff

export const isBusy = (error: unknown): boolean => codeOf(error) === busy

/** An error of SQLite in our words; any other as it is. */
export function sqliteFailure(where: string, error: unknown): unknown {
  if (error instanceof LockstepError || !(error instanceof Error)) return error
  const code = codeOf(error)
  if (code === busy)
    return new LockstepError('STORE_UNAVAILABLE', 'Other processes kept the registry to themselves', {
      where,
      remedy: 'Do it again; a process that writes for seconds is stuck, or imports.',
      cause: error,
    })
  if ([failed, corrupt, noDatabase].includes(code))
    return new LockstepError('STORE_CORRUPT', `The registry cannot be read: ${error.message}`, {
      where,
      remedy: 'Restore the file from a backup, or import an export into a new one: lockstep registry import.',
      cause: error,
    })
  return new LockstepError('STORE_UNAVAILABLE', `The registry cannot be read or written: ${error.message}`, { where, cause: error })
}
