import { LockstepError } from '../errors.ts'

const name = /^[a-z][a-z0-9_]{0,62}$/

/** Names are snake_case: they become columns of files, stores and vectors. Throws `INVALID_DEFINITION`. */
export function checkName(text: string, what: string, where = ''): void {
  if (typeof text === 'string' && name.test(text) && !text.endsWith('_') && !text.includes('__')) return
  throw new LockstepError('INVALID_DEFINITION', `${JSON.stringify(text)} is not a valid ${what} name`, {
    where,
    remedy: 'Names are snake_case: a letter, then letters, digits and single underscores, at most 63.',
  })
}

/** The version of a definition, 1 where it names none. Throws `INVALID_DEFINITION`. */
export function checkedVersion(version: number | undefined, where: string): number {
  if (version === undefined) return 1
  if (Number.isSafeInteger(version) && version >= 1) return version
  throw new LockstepError('INVALID_DEFINITION', `The version ${version} is not a whole number from 1`, { where })
}
