import { LockstepError } from '../errors.ts'

/** How far a version of a group or view is: a draft is still being worked on, and what is active may not rely on it. */
export type DefinitionStatus = 'draft' | 'active'

/** Active where nothing is said. Throws `INVALID_DEFINITION`. */
export function checkedStatus(status: string | undefined, where: string): DefinitionStatus {
  if (status === undefined || status === 'active') return 'active'
  if (status === 'draft') return status
  throw new LockstepError('INVALID_DEFINITION', `The status is draft or active, not ${String(status)}`, {
    where,
    remedy: 'What is to be read no more is said by lockstep deprecate, not in the file.',
  })
}

/** The highest version, drafts behind all others. */
export function highestVersion<T extends { readonly version: number; readonly status: DefinitionStatus }>(
  all: readonly T[],
): T | undefined {
  const active = all.filter(({ status }) => status === 'active')
  const [first, ...rest] = active.length > 0 ? active : all
  return first && rest.reduce((best, one) => (one.version > best.version ? one : best), first)
}
