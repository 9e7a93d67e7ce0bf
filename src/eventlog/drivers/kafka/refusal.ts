import { LockstepError } from '../../../errors.ts'
import type { Protocol } from './protocol.ts'

/** An answer of a broker that says no, for a reason by the name that Kafka gives it. */
export class Refusal extends Error {
  readonly reason: string
  /** Trying again may help. */
  readonly passing: boolean

  constructor(protocol: Protocol, reason: string, detail: string | null = null) {
    const known = protocol.protocolErrors[reason]
    super(detail || known?.message || reason)
    this.reason = reason
    this.passing = known?.canRetry ?? false
  }
}

/** The name of an error code of the protocol. */
export const reasonOf = (protocol: Protocol, code: number): string => protocol.protocolErrorsCodesById[code] ?? `error ${code}`

/** Throws a `Refusal` unless the code of an answer is 0. */
export function accept(protocol: Protocol, code: number, detail: string | null = null): void {
  if (code !== 0) throw new Refusal(protocol, reasonOf(protocol, code), detail)
}

export const isRefusal = (error: unknown, ...reasons: readonly string[]): boolean =>
  error instanceof Refusal && (reasons.length === 0 || reasons.includes(error.reason))

/** The codes that Node.js gives a certificate that it does not trust. */
const badCertificate = /CERT|UNABLE_TO_/

/** Whether the same may succeed a little later: a connection that is gone, a broker that is not ready. */
export function isPassing(protocol: Protocol, error: unknown): boolean {
  if (error instanceof LockstepError) return false
  if (error instanceof Refusal) return error.passing
  const forGood = [protocol.AuthenticationError, protocol.UnsupportedApiError, protocol.UnsupportedCompressionError, protocol.UserError]
  return !causes(error).some(
    (cause) => badCertificate.test(String((cause as NodeJS.ErrnoException).code)) || forGood.some((kind) => cause instanceof kind),
  )
}

/** What the log could not do, as users get it. */
export function unavailable(what: string, cause: unknown, where: string): LockstepError {
  if (cause instanceof LockstepError) return cause
  const reason = causes(cause).findLast((each) => each.message !== '')?.message ?? String(cause)
  return new LockstepError('EVENT_LOG_UNAVAILABLE', `Kafka cannot ${what}: ${reason}`, { where, cause })
}

/** The error and what it came from, the last being the first cause. */
function causes(error: unknown): Error[] {
  if (!(error instanceof Error)) return []
  const within = error instanceof AggregateError ? error.errors : error.cause === undefined ? [] : [error.cause]
  return [error, ...within.flatMap(causes)]
}
