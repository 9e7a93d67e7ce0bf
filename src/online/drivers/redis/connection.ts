import { type Argument, type Client, makeClient, type Package, type Reply } from './client.ts'
import { NoAnswer, refusalOf } from './no-answer.ts'
import type { Access, Address } from './settings.ts'

/**
 * The connection to one server. While there is none it is made anew, ever again, with pauses that grow and vary; a server that takes
 * commands and answers none is left and connected to anew.
 */
export class Connection {
  readonly address: Address
  readonly #package: Package
  readonly #access: Access
  readonly #waiting = new Set<() => void>()
  #client: Client
  #state: 'connecting' | 'ready' | 'down' | 'closed' = 'connecting'
  #problem = 'there is no connection yet'
  /** Wrong credentials will not become right by themselves. */
  #refused = false
  /** When the server last answered. */
  #heard = 0
  /** When this attempt to connect began. */
  #begun = 0
  #times = 0

  constructor(client: Package, address: Address, access: Access) {
    this.#package = client
    this.address = address
    this.#access = access
    this.#client = this.#connect()
  }

  /**
   * The answer to a command. Commands of one turn are sent together, in their order. Throws `NoAnswer`, or the error that the server
   * answered. `patient`: waits for a connection until `deadline` also where the last attempt to make one failed. `asking`: the server
   * is about to take over what is asked for.
   */
  async send(command: readonly Argument[], deadline: number, patient: boolean, asking = false): Promise<Reply> {
    if (this.#state !== 'ready') await this.#ready(deadline, patient)
    const client = this.#client
    const since = performance.now()
    const silence = `no answer within ${this.#access.commandTimeout} ms`
    return await new Promise<Reply>((resolve, reject) => {
      const timer = setTimeout(
        () => {
          if (this.#heard < since && this.#client === client) this.#renew(silence)
          reject(new NoAnswer(silence, { sent: true }))
        },
        Math.max(1, deadline - since),
      )
      if (asking) client.sendCommand(['ASKING']).catch(() => {})
      client.sendCommand(command).then(
        (reply) => {
          this.#heard = performance.now()
          clearTimeout(timer)
          resolve(reply as Reply)
        },
        (error) => {
          clearTimeout(timer)
          if (refusalOf(error) !== null) this.#heard = performance.now()
          reject(refusalOf(error) === null ? lost(error as Error) : error)
        },
      )
    })
  }

  /** How often it was made. */
  get times(): number {
    return this.#times
  }

  close(): void {
    this.#state = 'closed'
    this.#client.destroy()
    this.#wake()
  }

  #connect(): Client {
    this.#begun = performance.now()
    const client = makeClient(this.#package, this.address, this.#access)
    client.on('ready', () => {
      if (client !== this.#client) return
      this.#state = 'ready'
      this.#times++
      this.#refused = false
      this.#wake()
    })
    client.on('error', (error) => {
      if (client !== this.#client || this.#state === 'closed') return
      this.#problem = reasonOf(error)
      this.#refused = refusalOf(error) !== null && refusalOf(error) !== 'LOADING'
      // One that was there is looked for anew before it is taken for gone.
      this.#state = this.#state === 'ready' ? 'connecting' : 'down'
      if (this.#state === 'down') this.#wake()
    })
    client.connect().catch(() => {})
    return client
  }

  /** The server accepts connections at best: until one is made it is taken for gone. */
  #renew(problem: string): void {
    const old = this.#client
    this.#problem = problem
    this.#state = 'down'
    this.#client = this.#connect()
    this.#wake()
    old.destroy()
  }

  async #ready(deadline: number, patient: boolean): Promise<void> {
    while (this.#state !== 'ready') {
      const now = performance.now()
      const left = deadline - now
      if (left <= 0 && this.#state === 'connecting' && now > this.#begun + this.#access.commandTimeout) this.#renew(this.#problem)
      const hopeless = this.#state === 'closed' || this.#refused || (this.#state === 'down' && !patient)
      if (hopeless || left <= 0) throw new NoAnswer(this.#problem, { final: this.#refused })
      await new Promise<void>((resolve) => {
        const wake = () => {
          clearTimeout(timer)
          this.#waiting.delete(wake)
          resolve()
        }
        const timer = setTimeout(wake, left)
        this.#waiting.add(wake)
      })
    }
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake()
  }
}

function lost(error: Error): NoAnswer {
  // Of these the package says that it has not sent the command.
  const sent = !['ClientOfflineError', 'ClientClosedError'].includes(error.constructor.name) && error.message !== 'The queue is full'
  return new NoAnswer(reasonOf(error), { sent })
}

/** Several addresses of one name fail together, with no message. */
function reasonOf(error: unknown): string {
  const { message, errors } = error as Error & { errors?: readonly Error[] }
  return message || (errors ?? []).map((each) => each.message).join(', ') || 'the connection failed'
}
