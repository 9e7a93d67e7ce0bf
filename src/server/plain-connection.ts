import type { Socket } from 'node:net'
import type { DirectAnswer } from './direct-route.ts'
import type { PlainConnections } from './plain-connections.ts'

/** Larger requests are for Node.js, which takes them as they come. */
export const mostBytes = 64 * 1024

/**
 * A connection whose requests are answered without the HTTP server of Node.js, one after the other, in the order in which they come.
 * It is `answering` one of them, or `draining` what the client does not read.
 */
export class PlainConnection {
  readonly #socket: Socket
  readonly #all: PlainConnections
  #state: 'free' | 'answering' | 'draining' = 'free'
  /** Bytes of requests that are not answered yet. */
  #waiting: Buffer | null = null
  /** When the first of them came. */
  #since = 0
  /** The client sends no more. */
  #hasEnded = false
  readonly #listeners = {
    data: (chunk: Buffer) => this.#take(chunk),
    end: () => {
      this.#hasEnded = true
      if (this.#state === 'free') this.#next()
    },
    drain: () => {
      if (this.#state === 'draining') this.#goOn()
    },
    timeout: () => {
      if (this.#state !== 'answering') this.close()
    },
    error: () => this.close(),
    close: () => this.#all.left(this),
  }

  constructor(socket: Socket, all: PlainConnections) {
    this.#socket = socket
    this.#all = all
    for (const [event, listener] of Object.entries(this.#listeners)) socket.on(event, listener)
    socket.setTimeout(all.options.idle)
  }

  get isIdle(): boolean {
    return this.#state === 'free' && this.#waiting === null
  }

  close(): void {
    this.#socket.destroy()
  }

  /** After all that was answered is sent. */
  closeSoon(): void {
    this.#socket.destroySoon()
  }

  #take(chunk: Buffer): void {
    if (this.#waiting === null) this.#since = performance.now()
    this.#waiting = this.#waiting === null ? chunk : Buffer.concat([this.#waiting, chunk])
    if (this.#state === 'free') this.#next()
    // Who sends on without waiting for answers is not read on.
    else if (this.#waiting.length > mostBytes) this.#socket.pause()
  }

  #next(): void {
    const bytes = this.#waiting
    if (bytes === null) {
      if (this.#hasEnded) this.closeSoon()
      return
    }
    const request = this.#all.next(bytes)
    if (request === null) {
      this.#handOver(bytes)
      return
    }
    const size = request === undefined ? Number.POSITIVE_INFINITY : request.head.size + request.head.length
    if (request === undefined || bytes.length < size) {
      if (this.#hasEnded || performance.now() - this.#since > this.#all.options.request) this.#handOver(bytes)
      return
    }
    this.#waiting = bytes.length === size ? null : bytes.subarray(size)
    this.#since = performance.now()
    this.#state = 'answering'
    void this.#all.answer(request, bytes.toString('utf8', request.head.size, size)).then((answer) => this.#send(answer))
  }

  #send(answer: DirectAnswer): void {
    if (this.#socket.destroyed) {
      answer.sent(499)
      return
    }
    const isLast = this.#all.options.isEnding()
    const isTaken = this.#socket.write(this.#all.bytes(answer, isLast))
    answer.sent(answer.status)
    if (isLast) this.closeSoon()
    // Who does not read answers gets no more.
    else if (!isTaken) this.#state = 'draining'
    else this.#goOn()
  }

  #goOn(): void {
    this.#state = 'free'
    if (this.#socket.isPaused()) this.#socket.resume()
    this.#next()
  }

  /** Of a client that sends no more nothing can be given back to the socket: what it left is a part of a request, or was sent ahead. */
  #handOver(bytes: Buffer): void {
    if (this.#hasEnded) {
      this.closeSoon()
      return
    }
    const socket = this.#socket
    for (const [event, listener] of Object.entries(this.#listeners)) socket.off(event, listener)
    socket.setTimeout(0)
    socket.pause()
    socket.unshift(bytes)
    this.#all.left(this, socket)
    socket.resume()
  }
}
