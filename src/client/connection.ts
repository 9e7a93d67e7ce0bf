import { type ErrorCode, errorCatalogue, LockstepError } from '../errors.ts'
import { parseJsonText } from '../lib/parse-json.ts'

export interface ConnectionOptions {
  /** `http://127.0.0.1:8080`; of a server behind a proxy with its path. */
  readonly url: string
  /** What `lockstep token create` printed. */
  readonly token?: string
  /** Who asks: the server counts usage by it. The name of the token by default. */
  readonly caller?: string
  /** For which model. */
  readonly model?: string
  /** Milliseconds that a call may take, all of its tries together; 10,000 by default. */
  readonly timeout?: number
  /** How often a call is tried again when the server is overloaded, its store down or the connection broken; 3 by default. */
  readonly retries?: number
  /** Sends requests; that of the platform by default, which keeps connections alive. */
  readonly fetch?: typeof globalThis.fetch
}

/** What one call can have otherwise. */
export type CallOptions = Pick<ConnectionOptions, 'timeout' | 'retries'> & { readonly signal?: AbortSignal }

/** Milliseconds before the first retry, and at most before any, where the server does not say how long. */
const [firstWait, longestWait] = [50, 2000]

/** Sends requests to a server, again where that may help. */
export class Connection {
  readonly #url: string
  readonly #headers: Readonly<Record<string, string>>
  readonly #timeout: number
  readonly #retries: number
  readonly #fetch: typeof globalThis.fetch

  constructor({ url, token, caller, model, timeout = 10_000, retries = 3, fetch = globalThis.fetch }: ConnectionOptions) {
    if (!URL.canParse(url)) throw new LockstepError('INVALID_ARGUMENT', `${JSON.stringify(url)} is not the url of a server`)
    this.#url = url.replace(/\/+$/, '')
    this.#timeout = timeout
    this.#retries = retries
    this.#fetch = fetch
    this.#headers = {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(caller === undefined ? {} : { 'lockstep-caller': caller }),
      ...(model === undefined ? {} : { 'lockstep-model': model }),
    }
  }

  /** Posts a body, or gets without one. Throws what the server says, and `SERVER_FAILED` where it says nothing, or too late. */
  async call<T>(path: string, body?: object, options: CallOptions = {}): Promise<T> {
    const { timeout = this.#timeout, retries = this.#retries, signal } = options
    const until = performance.now() + timeout
    for (let tried = 0; ; tried++) {
      const attempt = await this.#attempt<T>(path, body, until, timeout, signal)
      if ('answer' in attempt) return attempt.answer
      const wait = Math.max(attempt.wait ?? 0, Math.random() * Math.min(longestWait, firstWait * 2 ** tried))
      if (attempt.wait === null || tried >= retries || performance.now() + wait >= until) throw attempt.error
      await pause(wait, signal)
    }
  }

  async #attempt<T>(path: string, body: object | undefined, until: number, timeout: number, signal?: AbortSignal): Promise<Attempt<T>> {
    const where = this.#url + path
    const late = AbortSignal.timeout(Math.max(1, Math.ceil(until - performance.now())))
    try {
      const response = await this.#fetch(where, {
        ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body, plainJson) }),
        headers: { ...this.#headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
        signal: signal ? AbortSignal.any([late, signal]) : late,
      })
      const text = await response.text()
      if (response.ok) return { answer: parseJsonText(text) as T }
      const isTemporary = response.status === 429 || response.status === 503
      return { error: errorOf(response.status, text, where), wait: isTemporary ? retryAfter(response) : null }
    } catch (cause) {
      if (signal?.aborted) throw new LockstepError('INTERRUPTED', `The request ${path} was stopped`, { cause })
      if (late.aborted) return { error: new LockstepError('SERVER_FAILED', `No answer within ${timeout} ms`, { where, cause }), wait: null }
      const reason = cause instanceof SyntaxError ? 'The answer is no JSON' : `The server cannot be reached: ${messageOf(cause)}`
      return { error: new LockstepError('SERVER_FAILED', reason, { where, cause }), wait: cause instanceof SyntaxError ? null : 0 }
    }
  }
}

/** An answer; or an error, with the milliseconds to wait at least before it is worth trying again, or null where it is not. */
type Attempt<T> = { readonly answer: T } | { readonly error: LockstepError; readonly wait: number | null }

/** Milliseconds that the server asks to wait. */
const retryAfter = (response: Response): number => {
  const seconds = Number(response.headers.get('retry-after') ?? 0)
  return Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : 0
}

function errorOf(status: number, text: string, url: string): LockstepError {
  const { code, message, where, remedy } = toldError(text) ?? {}
  if (code === undefined || message === undefined || !Object.hasOwn(errorCatalogue, code))
    return new LockstepError('SERVER_FAILED', `The server answered ${status}${message === undefined ? '' : `: ${message}`}`, {
      where: url,
    })
  const place = where ? ` (${where})` : ''
  return new LockstepError(code as ErrorCode, place && message.endsWith(place) ? message.slice(0, -place.length) : message, {
    where: where ?? '',
    ...(remedy === undefined ? {} : { remedy }),
  })
}

function toldError(text: string): { code?: string; message?: string; where?: string; remedy?: string } | undefined {
  try {
    return (JSON.parse(text) as { error?: object } | null)?.error
  } catch {
    return undefined
  }
}

const messageOf = (thrown: unknown): string => {
  const { message, cause } = thrown as Error
  const told = cause instanceof Error && cause.message ? cause.message : message
  return told.split('\n', 1)[0] ?? told
}

/** Integers of 64 bits go as texts, vectors as lists. */
function plainJson(_name: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value)
  return value instanceof Float32Array ? [...value] : value
}

const pause = (milliseconds: number, signal?: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer)
      reject(new LockstepError('INTERRUPTED', 'The request was stopped'))
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop)
      resolve()
    }, milliseconds)
    if (signal?.aborted) stop()
    else signal?.addEventListener('abort', stop, { once: true })
  })
