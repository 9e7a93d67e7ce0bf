import { LockstepError } from '../errors.ts'
import { closestName } from '../lib/suggestion.ts'

/**
 * Throws unless a definition has a property: `CIRCULAR_IMPORT` where it is named and undefined, as what is imported in a circle, and
 * `INVALID_DEFINITION` where it is left out, with the name that may have been meant to be it.
 */
export function checkRequired(options: object, name: string, where: string): void {
  const value = (options as Readonly<Record<string, unknown>>)[name]
  if (value) return
  if (Object.hasOwn(options, name)) throw new LockstepError('CIRCULAR_IMPORT', `The ${name} is ${String(value)}`, { where })
  const meant = Object.keys(options).find((given) => closestName(given, [name]) !== null)
  throw new LockstepError(
    'INVALID_DEFINITION',
    meant === undefined ? `The property ${name} is missing` : `There is no property ${meant}; did you mean ${name}?`,
    { where },
  )
}
