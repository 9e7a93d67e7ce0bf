import { LockstepError } from '../../errors.ts'
import type { Permission, RouteRequest } from '../route.ts'
import type { ServerContext } from '../server-context.ts'
import { nameInScope, type Operation } from './scope.ts'
import type { Token } from './tokens.ts'

/** Tecton's clients have a word of their own. */
const bearer = /^(?:Bearer|Tecton-key)\s+(\S+)$/i

/** Who sends a request, by its token, and whether they send too many. Throws `UNAUTHENTICATED` or `OVERLOADED`. */
export function authenticate(request: RouteRequest, { access, rates }: ServerContext): void {
  if (!access.isNeeded) return
  const [, text = ''] = bearer.exec(request.headers.authorization ?? '') ?? []
  const token = access.find(text)
  if (token === null)
    throw new LockstepError(
      'UNAUTHENTICATED',
      text === '' ? 'The request has no token' : 'The token is not known, has expired or was revoked',
    )
  request.token = token
  if (token.rate === null) return
  const wait = rates.take(token.id, token.rate)
  if (wait > 0)
    throw Object.assign(new LockstepError('OVERLOADED', `The token allows ${token.rate} requests a second`), { retryAfter: wait })
}

/** Whether the token allows what a request asks for. Throws `FORBIDDEN`. */
export function authorize(
  request: RouteRequest,
  { operation, of, in: where, isAskedByRoute = false }: Permission,
  context: ServerContext,
): void {
  const { token } = request
  if (token === null || operation === 'any' || isAskedByRoute) return
  const name = of?.(request)
  const environment = where?.(request)
  if (!context.access.allows(token, operation, name, environment)) throw refused(token, operation, name, context, environment)
}

/** A refusal, of which the audit log is told. */
export function refused(
  token: Token,
  operation: Operation,
  name: string | undefined,
  { access, store }: ServerContext,
  environment: string = store.environment,
): LockstepError {
  access.refused(token, operation, name, environment)
  const of = operation === 'admin' ? (name ?? environment) : environment
  const where = of === store.environment ? '' : of === '*' ? ' of all environments' : ` in ${of}`
  return new LockstepError('FORBIDDEN', `The token does not allow ${whatOf(operation, name)}${where}`)
}

function whatOf(operation: Operation, name: string | undefined): string {
  if (operation === 'admin') return 'admin'
  return name === undefined ? `any ${operation}` : `${operation}:${nameInScope(name)}`
}
