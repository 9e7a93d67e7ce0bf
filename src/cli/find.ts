import { LockstepError } from '../errors.ts'
import { suggestion } from '../lib/suggestion.ts'
import type { VersionedName } from './values.ts'

/** The one of a name, in its highest version unless one is given. Throws `UNKNOWN_NAME`. */
export function find<T extends { readonly name: string; readonly version: number }>(
  what: string,
  all: readonly T[],
  { name, version }: VersionedName,
): T {
  const found = all.filter((one) => one.name === name)
  if (found.length === 0)
    throw new LockstepError('UNKNOWN_NAME', `There is no ${what} ${name}${suggestion(name, [...new Set(all.map((one) => one.name))])}`)
  const one = version === undefined ? found.at(-1) : found.find((candidate) => candidate.version === version)
  if (one) return one
  throw new LockstepError(
    'UNKNOWN_NAME',
    `There is no version ${version} of the ${what} ${name}; there are ${found.map((each) => each.version).join(', ')}`,
  )
}
