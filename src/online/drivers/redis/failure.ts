import { LockstepError } from '../../../errors.ts'
import { NoAnswer, refusalOf } from './no-answer.ts'
import type { Settings } from './settings.ts'

/** An error of Redis or of the way to it in our words, without the password; any other as it is. */
export function redisFailure({ seeds, access }: Settings, error: unknown): unknown {
  const refusal = refusalOf(error)
  if (refusal === null && !(error instanceof NoAnswer)) return error
  const { message } = error as Error
  const told = access.password ? message.replaceAll(access.password, '***') : message
  const where = seeds.join(', ')
  if (refusal === null) return new LockstepError('STORE_UNAVAILABLE', `Redis does not answer: ${told}`, { where })
  const strange = /\bWRONGTYPE\b/.test(message)
  return new LockstepError(strange ? 'STORE_CORRUPT' : 'STORE_UNAVAILABLE', `Redis refuses: ${told}`, { where })
}
