import { LockstepError } from '../errors.ts'
import type { IntervalValues, StoredGroup } from './store.ts'

/** Throws `INVALID_ARGUMENT` for a group or version that no store takes. */
export function checkTarget({ group, version }: StoredGroup): void {
  if (!/^[a-z][a-z0-9_]*$/.test(group)) throw new LockstepError('INVALID_ARGUMENT', `${JSON.stringify(group)} is not the name of a group`)
  if (!Number.isSafeInteger(version) || version < 0)
    throw new LockstepError('INVALID_ARGUMENT', `${version} is not a version`, { where: group })
}

/** Throws `INVALID_ARGUMENT` for an interval that is empty, or columns without its moment. */
export function checkInterval({ from, to, columns, moment }: IntervalValues): void {
  if (!Number.isSafeInteger(from) || !Number.isSafeInteger(to) || from >= to)
    throw new LockstepError('INVALID_ARGUMENT', `${from} to ${to} is not an interval`)
  const type = Object.hasOwn(columns, moment) ? columns[moment] : undefined
  if (type?.kind !== 'timestamp') throw new LockstepError('INVALID_ARGUMENT', `The column of moments, ${moment}, is not a timestamp`)
}
