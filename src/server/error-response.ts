import { type ErrorCode, errorCatalogue, LockstepError } from '../errors.ts'
import { type JsonSchema, objectOf } from './json-schema.ts'
import type { RouteRequest } from './route.ts'

/** The HTTP status of each error that a caller can meet; of all others 500. */
const statuses: Partial<Record<ErrorCode, number>> = {
  INVALID_REQUEST: 400,
  INVALID_ARGUMENT: 400,
  INVALID_DURATION: 400,
  INVALID_MOMENT: 400,
  INVALID_VALUE: 400,
  MISSING_KEY: 400,
  DUPLICATE_NAME: 400,
  READ_BEFORE_STATE: 400,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  UNKNOWN_NAME: 400,
  UNKNOWN_COLUMN: 400,
  UNKNOWN_READ: 404,
  IN_USE: 409,
  NAME_RETIRED: 409,
  FEATURE_BROWNED_OUT: 503,
  REGISTRY_CONFLICT: 409,
  OVERLOADED: 429,
  ON_DEMAND_FAILED: 500,
  NOT_READY: 503,
  STORE_UNAVAILABLE: 503,
  STORE_LOCKED: 503,
  EVENT_LOG_UNAVAILABLE: 503,
}

export const statusOf = (error: LockstepError): number => statuses[error.code] ?? 500

/** Finds what the path of a request names: where it is not there, the answer is 404 and not 400. */
export function inPath<T>(find: () => T): T {
  try {
    return find()
  } catch (error) {
    if (error instanceof LockstepError && error.code === 'UNKNOWN_NAME') throw Object.assign(error, { status: 404 })
    throw error
  }
}

/** Statuses after which it is worth asking again. */
export const isTemporary = (status: number): boolean => status === 429 || status === 503

/** Seconds after which a client may ask again, where nothing better is known. */
export const retryAfter = 1

/** What a request did wrong in its form: malformed JSON, too large, of another type. */
interface TransportError extends Error {
  readonly statusCode?: number
  readonly code?: string
  readonly validation?: readonly { readonly instancePath: string; readonly message?: string; readonly params?: Record<string, unknown> }[]
  readonly validationContext?: string
  /** Bytes that it would have to keep to. */
  readonly bodyLimit?: number
}

/** Failures whose messages callers may read. */
const ownWords: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['NOT_READY', 'ON_DEMAND_FAILED'])

/** What the framework refuses, in our words: the message, the place and what to do. */
const transportErrors: Readonly<Record<string, readonly [message: string, where: string, remedy: string]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: ['The body is too large', 'body', 'Send fewer rows or events at once.'],
  FST_ERR_CTP_EMPTY_JSON_BODY: ['There is no body', 'body', 'Send a body of JSON; /openapi.json describes every request.'],
  FST_ERR_CTP_INVALID_JSON_BODY: ['The body is no JSON', 'body', 'Send JSON, in UTF-8; no key may be `__proto__`.'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: [
    'The body is of a type that is not read here',
    'header content-type',
    'Send JSON, with `content-type: application/json`.',
  ],
}

/** Anything that was thrown as one of our errors. What is not of the caller's making is told as `INTERNAL`, without what it says. */
export function publicError(error: unknown): { readonly status: number; readonly error: LockstepError } {
  if (error instanceof LockstepError) {
    const status = (error as { status?: number }).status ?? statusOf(error)
    // Addresses, paths and what files hold are for the log.
    const isInternal = status >= 500 && !ownWords.has(error.code)
    return { status, error: isInternal ? new LockstepError(error.code, errorCatalogue[error.code][0]) : error }
  }
  const { statusCode = 500, code = '', validation, validationContext = 'body', message, bodyLimit } = (error ?? {}) as TransportError
  if (validation) {
    const [first] = validation
    const where = `${validationContext}${first?.instancePath.replaceAll('/', '.') ?? ''}`
    const { additionalProperty, missingProperty, allowedValues } = first?.params ?? {}
    const named = additionalProperty ?? missingProperty ?? (allowedValues as unknown[] | undefined)?.join(', ')
    return {
      status: 400,
      error: new LockstepError('INVALID_REQUEST', `${first?.message ?? message}${named ? `: ${named}` : ''}`, { where }),
    }
  }
  const known = transportErrors[code]
  if (known) {
    const [message, where, remedy] = known
    const told = bodyLimit === undefined ? message : `The body is larger than ${bodyLimit} bytes`
    return { status: statusCode, error: new LockstepError('INVALID_REQUEST', told, { where, remedy }) }
  }
  if (statusCode >= 400 && statusCode < 500) return { status: statusCode, error: new LockstepError('INVALID_REQUEST', message) }
  return { status: 500, error: new LockstepError('INTERNAL', 'The server failed; its log says why') }
}

export interface Refusal {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: object
}

/** What an error is answered with. What is not of the caller's making is logged, and by the read id the log tells more. */
export function refusal(thrown: unknown, { readId, log }: RouteRequest, url = ''): Refusal {
  const { status, error } = publicError(thrown)
  // That it is not ready is no failure: it is asked all the time.
  if (status >= 500 && error.code !== 'NOT_READY') log.error({ err: thrown, read_id: readId || undefined, url })
  return refusalOf(status, error, status >= 500 ? readId : '')
}

export function refusalOf(status: number, error: LockstepError, readId = ''): Refusal {
  const wait = (error as { retryAfter?: number }).retryAfter ?? retryAfter
  const headers = {
    ...(isTemporary(status) ? { 'retry-after': String(Math.ceil(wait)) } : {}),
    ...(status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
  }
  return { status, headers, body: { error: error.toJSON(), ...(readId ? { read_id: readId } : {}) } }
}

export const errorSchema: JsonSchema = objectOf(
  {
    error: objectOf(
      {
        code: { type: 'string', description: 'Stable, and listed in docs/reference/errors.md.' },
        message: { type: 'string' },
        where: { type: 'string', description: 'The field, key or feature that it is about.' },
        remedy: { type: 'string' },
      },
      ['code', 'message', 'where', 'remedy'],
    ),
    read_id: { type: 'string' },
  },
  ['error'],
)
