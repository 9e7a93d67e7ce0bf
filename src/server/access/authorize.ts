import { LockstepError } from '../../errors.ts'
import type { Permission, RouteRequest } from '../route.ts'
import type { ServerContext } from '../server-context.ts'

/** Tecton's clients have a word of their own. */
const bearer = /^(?:Bearer|Tecton-key)\s+(\S+)$/i

/** Who sends a request, by its token, and whether they send too many. Throws `UNAUTHENTICATED` or `OVERLOADED`. */
export function authenticate(request: RouteRequest, { tokens, rates }: ServerContext): void {
  if (tokens === null) return
  const [, text = ''] = bearer.exec(request.headers.authorization ?? '') ?? []
  const token = tokens.find(text)
  if (token === null) throw new LockstepError('UNAUTHENTICATED', text === '' ? 'The request has no token' : 'The token does not count')
  request.token = token
  if (token.rate === null) return
  const wait = rates.take(token.id, token.rate)
  if (wait > 0)
    throw Object.assign(new LockstepError('OVERLOADED', `The token allows ${token.rate} requests a second`), { retryAfter: wait })
}

/** Whether the token allows what a request asks for. Throws `FORBIDDEN`. */
export function authorize(request: RouteRequest, { operation, of }: Permission, { tokens }: ServerContext): void {
  const { token } = request
  if (tokens === null || token === null) return
  if (of === undefined) {
    const allowed = operation === 'admin' ? tokens.allows(token, 'admin') : token.scopes.some((scope) => scope.startsWith(`${operation}:`))
    if (!allowed) throw new LockstepError('FORBIDDEN', `The token does not allow ${operation === 'admin' ? 'admin' : `any ${operation}`}`)
    return
  }
  const name = of(request)
  if (!tokens.allows(token, operation, name)) throw new LockstepError('FORBIDDEN', `The token does not allow ${operation}:${name}`)
}
