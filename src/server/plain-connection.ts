import type { Socket } from 'node:net'
import type { DirectAnswer } from './direct-route.ts'
import type { PlainConnections, PlainRequest } from './plain-connections.ts'

/** Larger requests are for Node.js, which takes them as they come. */
export const mostBytes = 64 * 1024

/** Milliseconds. What takes longer to come is for Node.js too, which knows how long it may take, and what to say then. */
const mostWait = 1000

/** Milliseconds that a connection rests beyond what its client was told: one that is used in the last moment is still there. */
const grace = 1000

/**
 * A connection whose requests are answered without the HTTP server of Node.js, one after the other, in the order in which they come.
 * It is `answering` one of them, or `draining` what the client does not read, or `closing` once that is read.
 */
export class PlainConnection {
  readonly #socket: Socket
  readonly #all: PlainConnections
  #state: 'free' | 'answering' | 'draining' | 'closing' = 'free'
  /** Bytes of requests that are not answered yet. */
  #waiting: Buffer | null = null
  /** The first of them, once its head is all there: however many pieces its body comes in, the head is read once. */
  #request: PlainRequest | undefined
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
    socket.setTimeout(all.options.idle + grace)
  }

  get isIdle(): boolean {
    return this.#state === 'free' && this.#waiting === null
  }

  close(): void {
    this.#socket.destroy()
  }

  /** After all that was answered is sent. */
  closeSoon(): void {
    if (this.#state === 'closing') return
    this.#state = 'closing'
    this.#socket.destroySoon()
  }

  /** Hands over what has not come whole by now. `now`: as of `performance`. */
  handOverSlow(now: number): void {
    if (this.#state === 'free' && this.#waiting !== null && now - this.#since > mostWait) this.#handOver(this.#waiting)
  }

  #take(chunk: Buffer): void {
    if (this.#state === 'closing') return
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
    const request = this.#request ?? this.#all.next(bytes)
    if (request === null) {
      this.#handOver(bytes)
      return
    }
    this.#request = request
    const size = request === undefined ? Number.POSITIVE_INFINITY : request.head.size + request.head.length
    if (request === undefined || bytes.length < size) {
      if (this.#hasEnded) this.closeSoon()
      return
    }
    this.#request = undefined
    this.#waiting = bytes.length === size ? null : bytes.subarray(size)
    this.#since = performance.now()
    this.#state = 'answering'
    this.#all
      .answer(request, bytes.toString('utf8', request.head.size, size))
      .then((answer) => this.#send(answer))
      .catch((error) => {
        this.#all.options.failed(error)
        this.close()
      })
  }

  #send(answer: DirectAnswer): void {
    if (!this.#socket.writable) {
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
    if (this.#waiting === null) this.#free()
    // Who sends many requests ahead does not hold up all others: one in a turn.
    else setImmediate(() => this.#free())
  }

  #free(): void {
    if (this.#state === 'closing' || this.#socket.destroyed) return
    this.#state = 'free'
    if (this.#socket.isPaused() && (this.#waiting?.length ?? 0) <= mostBytes) this.#socket.resume()
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
