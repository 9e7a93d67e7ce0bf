import { setTimeout as after } from 'node:timers/promises'
import { type Argument, loadPackage, type Package, type Reply } from './client.ts'
import { Connection } from './connection.ts'
import { NoAnswer, refusalOf } from './no-answer.ts'
import { type Address, type Settings, splitAddress } from './settings.ts'
import { slotCount } from './slots.ts'

/** How much may be done to get an answer. */
export interface Way {
  /** The command may be sent again where it may have been done already. */
  readonly repeatable: boolean
  /** Waits for a server that cannot be reached until its time is over; the others are told at once. */
  readonly patient: boolean
}

/** The server is not able yet, or not any more, and has done nothing. */
const passing: ReadonlySet<string> = new Set(['LOADING', 'TRYAGAIN', 'CLUSTERDOWN', 'MASTERDOWN', 'READONLY'])
const firstPause = 10
const longestPause = 200

/** One server, or a cluster of them: finds who is asked, and asks again where that is safe. */
export abstract class Servers {
  protected readonly settings: Settings
  protected readonly connections = new Map<Address, Connection>()
  #package: Promise<Package> | null = null

  constructor(settings: Settings) {
    this.settings = settings
  }

  /** Those that hold rows. */
  abstract masters(): Promise<readonly Connection[]>

  protected abstract holder(slot: number, deadline: number): Promise<Connection>

  /** Whether another server holds the slot now. */
  protected abstract movedFrom(connection: Connection, slot: number, deadline: number): Promise<boolean>

  protected abstract moved(slot: number, address: Address): void

  /** The answer of this server, or of the one that holds the slot (any number where there is one server). Throws as `Connection.send`. */
  async send(to: number | Connection, command: readonly Argument[], way: Way): Promise<Reply> {
    const deadline = this.deadline()
    let asked: Connection | null = null
    for (let attempt = 0; ; attempt++) {
      let connection: Connection | null = asked
      try {
        connection ??= typeof to === 'number' ? await this.holder(to, deadline) : to
        return await connection.send(command, deadline, way.patient, asked !== null)
      } catch (error) {
        asked = null
        const late = performance.now() >= deadline
        const refusal = refusalOf(error)
        if (typeof to === 'number' && (refusal === 'MOVED' || refusal === 'ASK')) {
          if (late) throw error
          const address = redirection(error as Error, connection as Connection)
          if (refusal === 'MOVED') this.moved(to, address)
          else asked = await this.connect(address)
          continue
        }
        if (late || !(await this.#again(error, connection, to, deadline, way))) throw error
        const pause = Math.min(longestPause, firstPause * 2 ** Math.min(attempt, 10)) * (0.5 + Math.random() / 2)
        await after(Math.min(pause, Math.max(1, deadline - performance.now())))
      }
    }
  }

  close(): void {
    for (const connection of this.connections.values()) connection.close()
  }

  protected deadline(): number {
    return performance.now() + this.settings.access.commandTimeout
  }

  protected async connect(address: Address): Promise<Connection> {
    this.#package ??= loadPackage()
    const client = await this.#package
    const known = this.connections.get(address) ?? new Connection(client, address, this.settings.access)
    this.connections.set(address, known)
    return known
  }

  async #again(error: unknown, connection: Connection | null, to: number | Connection, deadline: number, way: Way): Promise<boolean> {
    const refusal = refusalOf(error)
    if (refusal !== null && !passing.has(refusal)) return false
    if (error instanceof NoAnswer) {
      if (error.final || (error.sent && !way.repeatable)) return false
      if (error.sent) return true
    } else if (refusal === null) {
      return false
    }
    const elsewhere = typeof to === 'number' && connection !== null && (await this.movedFrom(connection, to, deadline))
    return elsewhere || way.patient || refusal === 'TRYAGAIN'
  }
}

/** The one server of a url. */
export class SingleServer extends Servers {
  override async masters(): Promise<readonly Connection[]> {
    return [await this.holder()]
  }

  protected override async holder(): Promise<Connection> {
    return await this.connect(this.settings.seeds[0] as Address)
  }

  protected override movedFrom(): Promise<boolean> {
    return Promise.resolve(false)
  }

  protected override moved(): void {
    throw new NoAnswer('the server belongs to a cluster: give `cluster: true`', { final: true })
  }
}

/** Milliseconds between two questions who holds what. */
const askEvery = 100
/** So many servers are asked. */
const mostAsked = 4

/** Masters that share the slots among them; replicas are not read, as they may be behind. */
export class Cluster extends Servers {
  #holders: Address[] = []
  #asked = Number.NEGATIVE_INFINITY
  #asking: Promise<void> | null = null

  override async masters(): Promise<readonly Connection[]> {
    if (this.#holders.length === 0) await this.#ask(this.deadline())
    return await Promise.all([...new Set(this.#holders)].map((address) => this.connect(address)))
  }

  protected override async holder(slot: number, deadline: number): Promise<Connection> {
    if (this.#holders.length === 0) await this.#ask(deadline)
    const address = this.#holders[slot]
    if (address !== undefined) return await this.connect(address)
    await this.movedFrom(null, slot, deadline)
    throw new NoAnswer('a part of the cluster is held by no server')
  }

  protected override async movedFrom(connection: Connection | null, slot: number, deadline: number): Promise<boolean> {
    if (performance.now() - this.#asked > askEvery) await this.#ask(deadline).catch(() => {})
    return this.#holders[slot] !== connection?.address
  }

  protected override moved(slot: number, address: Address): void {
    this.#holders[slot] = address
    if (performance.now() - this.#asked > askEvery) void this.#ask(this.deadline()).catch(() => {})
  }

  #ask(deadline: number): Promise<void> {
    this.#asking ??= this.#learn(deadline).finally(() => {
      this.#asking = null
    })
    return this.#asking
  }

  async #learn(deadline: number): Promise<void> {
    this.#asked = performance.now()
    const some = [...new Set([...this.connections.keys()].sort(() => Math.random() - 0.5).concat(this.settings.seeds))].slice(0, mostAsked)
    const answers = some.map(async (address) => {
      const connection = await this.connect(address)
      return { address, reply: await connection.send(['CLUSTER', 'SLOTS'], deadline, false) }
    })
    const { address, reply } = await Promise.any(answers).catch((error: AggregateError) => {
      throw error.errors[0]
    })
    this.#holders = holdersOf(reply, address)
    for (const [known, connection] of this.connections) {
      if (this.#holders.includes(known)) continue
      this.connections.delete(known)
      connection.close()
    }
  }
}

/** Who holds each slot, by the answer of one of them; one that does not know its own name is where it was asked. */
function holdersOf(reply: Reply, asked: Address): Address[] {
  const holders = new Array<Address>(slotCount)
  for (const range of reply as [number, number, [Buffer | null, number]][]) {
    const [first, last, [name, port]] = range
    const host = name === null || name.length === 0 ? splitAddress(asked).host : `${name}`
    holders.fill(addressOf(host, port), first, last + 1)
  }
  return holders
}

/** Of `MOVED 1234 host:port`. */
function redirection({ message }: Error, from: Connection): Address {
  const { host, port } = splitAddress(message.slice(message.lastIndexOf(' ') + 1))
  return addressOf(host || splitAddress(from.address).host, port)
}

const addressOf = (host: string, port: number): Address => `${host.includes(':') ? `[${host}]` : host}:${port}`
