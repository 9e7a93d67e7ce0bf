/** The head of a request that is written plainly, as services write nearly all of theirs. */
export interface PlainHead {
  readonly method: string
  readonly path: string
  /** By name in lower case. Each was there once. */
  readonly headers: Readonly<Record<string, string>>
  /** Bytes of the head, with the empty line behind it. */
  readonly size: number
  /** Bytes of the body. */
  readonly length: number
}

const requestLine = /^(POST) (\/[\w./-]{0,500}) HTTP\/1\.1$/
const fieldName = /^[\w!#$%&'*+.^`|~-]+$/
const fieldValue = /^[\t\x20-\x7e]*$/
const bodyLength = /^\d{1,9}$/

/** What changes how a body is framed, or what a connection is for. Node.js takes a proxy-connection for a connection. */
const framing: ReadonlySet<string> = new Set('transfer-encoding trailer te expect upgrade http2-settings proxy-connection'.split(' '))

/**
 * Reads the head of a request (RFC 9112), of which `text` is all before the empty line, each byte a character. Null where anything is not
 * plain: another method or version, a path with escapes or a query, a header that is folded, twice there, beyond ASCII or about framing,
 * no host, or no length. What is null is not wrong, but for a whole parser to judge.
 */
export function plainHead(text: string): PlainHead | null {
  const [first = '', ...lines] = text.split('\r\n')
  const [, method, path] = requestLine.exec(first) ?? []
  if (method === undefined || path === undefined) return null
  const headers: Record<string, string> = Object.create(null)
  for (const line of lines) {
    const colon = line.indexOf(':')
    const [name, value] = [line.slice(0, colon).toLowerCase(), line.slice(colon + 1)]
    if (colon < 1 || !fieldName.test(name) || !fieldValue.test(value) || name in headers || framing.has(name)) return null
    headers[name] = value.trim()
  }
  const { host, connection = 'keep-alive', 'content-length': length = '' } = headers
  if (host === undefined || connection.toLowerCase() !== 'keep-alive' || !bodyLength.test(length)) return null
  return { method, path, headers, size: text.length + 4, length: Number(length) }
}
