import { type ErrorCode, errorCatalogue, type LockstepError } from '../errors.ts'
import { loggedIn } from '../lib/actor.ts'

/** What to do on the command line, where the remedy of a code speaks of functions or of HTTP. */
const usual: Partial<Record<ErrorCode, string>> = {
  INVALID_MOMENT: 'Write a date or a time, in UTC unless it names a zone: 2026-03-01, 2026-03-01T12:00:00Z.',
  INVALID_DURATION: 'Write a number and a unit: 30m, 7d, 1h30m.',
  INVALID_ARGUMENT: 'See what lockstep COMMAND --help says of it.',
  UNAUTHENTICATED: 'Set LOCKSTEP_TOKEN to a token that counts; lockstep token create makes one.',
  MISSING_KEY: 'Give every key, each as NAME=VALUE; lockstep describe shows them.',
}

/** The remedy of an error for who reads it at a terminal. */
export function remedyOf({ code, message, remedy }: LockstepError): string {
  if (code === 'FORBIDDEN' && !process.env.LOCKSTEP_TOKEN && message.startsWith(`${loggedIn()} may not `))
    return `No token is set, so you act as ${loggedIn()}: set LOCKSTEP_TOKEN; or ${remedy.charAt(0).toLowerCase()}${remedy.slice(1)}`
  return remedy === errorCatalogue[code][1] ? (usual[code] ?? remedy) : remedy
}
