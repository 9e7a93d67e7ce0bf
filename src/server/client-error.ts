import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { LockstepError } from '../errors.ts'
import { refusalOf } from './error-response.ts'

/** Answers what is no request, or not the whole of one, in the form of all errors, and ends its connection. */
export function answerClientError({ code }: NodeJS.ErrnoException, socket: Socket): void {
  if (code === 'ECONNRESET' || socket.destroyed) return
  const [status, message, remedy] = reasons[code ?? ''] ?? reasons.other
  const { body } = refusalOf(status, new LockstepError('INVALID_REQUEST', message, { remedy }))
  const text = JSON.stringify(body)
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    `content-length: ${Buffer.byteLength(text)}`,
    'content-type: application/json; charset=utf-8',
    'connection: close',
  ]
  // What is left to be read is not: the connection goes as soon as the answer is on its way.
  if (socket.writable) socket.write(`${head.join('\r\n')}\r\n\r\n${text}`)
  socket.destroySoon()
}

type Reason = readonly [status: number, message: string, remedy: string]

/** By the codes of Node.js. */
const reasons: Readonly<Record<string, Reason>> & { readonly other: Reason } = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'The request did not come in time', 'Send the whole of a request at once.'],
  HPE_HEADER_OVERFLOW: [431, 'The headers are larger than 16 KiB', 'Send fewer or shorter headers.'],
  other: [400, 'This is no request of HTTP/1.1', 'Speak HTTP/1.1; over TLS where the server has a certificate.'],
}
