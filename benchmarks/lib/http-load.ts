import { connect, type Socket } from 'node:net'

export interface Load {
  readonly port: number
  /** Whole requests, as bytes; sent in turn. */
  readonly requests: readonly Buffer[]
  readonly connections: number
  readonly seconds: number
  /** Requests a second, whether or not those before were answered (open loop); without it each connection asks again once it is answered. */
  readonly rate?: number
}

export interface LoadResult {
  readonly perSecond: number
  /** Milliseconds, from when a request was due, so that a server that stalls is charged for all that wait. */
  readonly p50: number
  readonly p95: number
  readonly p99: number
  readonly p999: number
  readonly answers: number
  /** Answers with a status other than 200. */
  readonly errors: number
  /** Milliseconds for which this process itself was kept from running, in parts of over 2 ms: another took its core, or the machine. */
  readonly away: number
}

/** Beyond so many milliseconds between two turns of a loop that does next to nothing, it was not running. */
const awayFrom = 2

/** Sends requests over kept-alive connections to this machine, and takes the time. */
export async function load({ port, requests, connections, seconds, rate }: Load): Promise<LoadResult> {
  const latencies: number[] = []
  let errors = 0
  let sent = 0
  const started = performance.now()
  const end = started + seconds * 1000
  /** When the requests that no connection was free for were due. */
  const due: number[] = []
  const free: Connection[] = []
  const all = await Promise.all(Array.from({ length: connections }, () => Connection.open(port)))

  const send = (connection: Connection, at: number) => {
    connection.ask(requests[sent++ % requests.length] as Buffer, (isGood) => {
      latencies.push(performance.now() - at)
      if (!isGood) errors++
      next(connection)
    })
  }
  const next = (connection: Connection) => {
    const now = performance.now()
    if (rate === undefined) {
      if (now < end) send(connection, now)
      else free.push(connection)
      return
    }
    const at = due.shift()
    if (at === undefined) free.push(connection)
    else send(connection, at)
  }
  let away = 0
  let turned = performance.now()
  const turn = async () => {
    await new Promise(setImmediate)
    const now = performance.now()
    if (now - turned > awayFrom) away += now - turned
    turned = now
  }
  for (const connection of all) next(connection)
  if (rate !== undefined) {
    let planned = 0
    while (performance.now() < end) {
      const until = Math.floor(((performance.now() - started) / 1000) * rate) + 1
      for (; planned < until; planned++) {
        const at = started + (planned / rate) * 1000
        const connection = free.pop()
        if (connection) send(connection, at)
        else due.push(at)
      }
      await turn()
    }
  }
  // Not asleep: to wake it for each answer would cost the server more than the answer, and a client elsewhere costs it nothing.
  while (performance.now() < end) await turn()
  for (let tries = 0; free.length < all.length && tries < 1000; tries++) await new Promise((resolve) => setTimeout(resolve, 10))
  const took = (performance.now() - started) / 1000
  for (const connection of all) connection.close()
  const sorted = Float64Array.from(latencies).sort()
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] as number
  const answers = latencies.length
  return { perSecond: answers / took, p50: at(0.5), p95: at(0.95), p99: at(0.99), p999: at(0.999), answers, errors, away }
}

const headEnd = Buffer.from('\r\n\r\n')

/** One connection that asks and is answered, no more at a time. Understands answers with a content-length only. */
class Connection {
  readonly #socket: Socket
  #head: Buffer = Buffer.alloc(0)
  #left = -1
  #isGood = true
  #answered: (isGood: boolean) => void = () => {}

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (chunk) => this.#take(chunk))
    socket.on('error', () => this.#answered(false))
  }

  static open(port: number): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () => resolve(new Connection(socket)))
      socket.setNoDelay(true)
      socket.once('error', reject)
    })
  }

  ask(request: Buffer, answered: (isGood: boolean) => void): void {
    this.#answered = answered
    this.#socket.write(request)
  }

  close(): void {
    this.#socket.destroy()
  }

  #take(chunk: Buffer): void {
    let body = chunk.length
    if (this.#left < 0) {
      const bytes = this.#head.length > 0 ? Buffer.concat([this.#head, chunk]) : chunk
      const end = bytes.indexOf(headEnd)
      if (end < 0) {
        this.#head = bytes
        return
      }
      const head = bytes.toString('latin1', 0, end)
      this.#isGood = head.startsWith('HTTP/1.1 200')
      this.#left = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0)
      this.#head = Buffer.alloc(0)
      body = bytes.length - end - headEnd.length
    }
    this.#left -= body
    if (this.#left > 0) return
    this.#left = -1
    this.#answered(this.#isGood)
  }
}

/** A POST of JSON, whole. */
export function postRequest(path: string, body: unknown): Buffer {
  const text = JSON.stringify(body)
  return Buffer.from(
    `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
  )
}
