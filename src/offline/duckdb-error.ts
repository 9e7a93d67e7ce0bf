import { LockstepError } from '../errors.ts'

/** What DuckDB says, as the error a user can act on; anything unforeseen keeps its first line, with the SQL as its cause. */
export function duckdbError(error: unknown, sql: string): Error {
  if (error instanceof LockstepError) return error
  const message = error instanceof Error ? error.message : String(error)
  const missing = /^IO Error: (?:No files found that match the pattern|Cannot open file) "([^"]+)"/.exec(message)
  if (missing) return new LockstepError('SOURCE_NOT_FOUND', `No file matches ${missing[1]}`, { cause: error })
  if (message.startsWith('Out of Memory Error'))
    return new LockstepError('OUT_OF_MEMORY', 'The work needs more memory, or more space for temporary files, than it was given', {
      cause: error,
    })
  if (message.startsWith('INTERRUPT Error')) return new LockstepError('INTERRUPTED', 'The work was stopped', { cause: error })
  const [firstLine = message] = message.split('\n')
  return new Error(`DuckDB could not carry out a query: ${firstLine}`, { cause: new Error(sql, { cause: error }) })
}
