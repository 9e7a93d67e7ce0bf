import type {
  ConsumeOptions,
  Consumer,
  EventLog,
  LogRecord,
  NewRecord,
  PartitionOffsets,
  RecordPosition,
} from '../../src/eventlog/index.ts'
import type { Process, World } from './world.ts'

interface Member {
  readonly process: Process
  readonly options: ConsumeOptions
  readonly order: number
  /** The offset to be read next, of each partition that it has. */
  readonly positions: Map<number, number>
  left: boolean
  /** Calls of the log that hand partitions over, one at a time. */
  expired: boolean
}

interface Group {
  readonly members: Member[]
  balancing: Promise<void> | null
}

interface Topic {
  readonly partitions: LogRecord[][]
  readonly groups: Map<string, Group>
}

/** A log of a whole cluster in virtual time; `connect` gives what a process sees of it. */
export class SimulatedLog {
  readonly #world: World
  readonly topics = new Map<string, Topic>()
  #order = 0

  constructor(world: World) {
    this.#world = world
  }

  records(topic: string): readonly (readonly LogRecord[])[] {
    return this.topics.get(topic)?.partitions ?? []
  }

  /** Appends at once and without fail. */
  append(topic: string, records: readonly NewRecord[]): RecordPosition[] {
    const { partitions } = this.#topic(topic)
    return records.map(({ key, value, headers = [], partition }) => {
      const place = partition ?? hash(key) % partitions.length
      const list = partitions[place] as LogRecord[]
      const taken = Math.max(this.#world.now, (list.at(-1)?.taken ?? 0) + 1)
      list.push({ key, value, headers, taken, partition: place, offset: list.length })
      return { partition: place, offset: list.length - 1 }
    })
  }

  connect(process: Process): EventLog {
    const reach = async (): Promise<void> => {
      if (process.cutOff !== null) await process.cutOff
    }
    return {
      name: 'simulated',
      capabilities: { durable: true, sharedByProcesses: true },
      createTopic: (topic, partitions) => process.call('createTopic', () => this.createTopic(topic, partitions)),
      topics: () => process.call('topics', () => [...this.topics.keys()].sort()),
      partitions: (topic) => process.call('partitions', () => this.topics.get(topic)?.partitions.length ?? null),
      append: async (topic, records) => {
        await reach()
        return await process.call('append', () => this.append(topic, records))
      },
      offsets: (topic) => process.call('offsets', () => this.#offsets(topic)),
      consume: async (topic, options) => {
        await reach()
        return await process.call('consume', () => this.#join(topic, options, process, reach))
      },
      close: async () => {},
    }
  }

  createTopic(topic: string, partitions: number): void {
    if (!this.topics.has(topic)) this.topics.set(topic, { partitions: Array.from({ length: partitions }, () => []), groups: new Map() })
  }

  /** The log takes the readers of a process for dead; they learn it when they ask next. */
  expire(process: Process): void {
    for (const topic of this.topics.values()) {
      for (const group of topic.groups.values()) {
        for (const member of group.members) if (member.process === process) member.expired = true
        this.#balanceSoon(topic, group)
      }
    }
  }

  #offsets(name: string): PartitionOffsets[] {
    return this.#topic(name).partitions.map((list, partition) => ({ partition, first: 0, next: list.length }))
  }

  #join(name: string, options: ConsumeOptions, process: Process, reach: () => Promise<void>): Consumer {
    const topic = this.#topic(name)
    const group = topic.groups.get(options.group) ?? { members: [], balancing: null }
    topic.groups.set(options.group, group)
    let member = this.#member(process, options)
    group.members.push(member)
    this.#balanceSoon(topic, group)
    const read = (limit: number): LogRecord[] => {
      const found: LogRecord[] = []
      for (const [partition, position] of member.positions) {
        const list = topic.partitions[partition] as LogRecord[]
        // Now and then what was read comes again.
        const from = this.#world.chance(20) ? Math.max(0, position - this.#world.random(3)) : position
        const some = list.slice(from, Math.min(list.length, from + 1 + this.#world.random(Math.min(limit, 50))))
        found.push(...some)
      }
      return found
    }
    return {
      get assignment() {
        return [...member.positions.keys()]
      },
      read: async (limit, wait) => {
        await reach()
        const records = await process.call('read', async () => {
          if (member.expired && !member.left) {
            const before = member
            member = this.#member(process, options)
            await options.revoked([...before.positions.keys()])
            group.members.push(member)
            this.#balanceSoon(topic, group)
          }
          const found = read(limit)
          if (found.length === 0) await this.#world.after(this.#world.random(wait) + 1)
          return found
        })
        // What does not arrive is read again.
        for (const { partition, offset } of records) {
          const position = member.positions.get(partition)
          if (position !== undefined) member.positions.set(partition, Math.max(position, offset + 1))
        }
        return records
      },
      report: async () => {},
      close: async () => {
        await reach()
        if (member.left) return
        await options.revoked([...member.positions.keys()])
        member.positions.clear()
        member.left = true
        this.#balanceSoon(topic, group)
      },
    }
  }

  #member(process: Process, options: ConsumeOptions): Member {
    return { process, options, order: this.#order++, positions: new Map(), left: false, expired: false }
  }

  #balanceSoon(topic: Topic, group: Group): void {
    group.balancing ??= this.#balance(topic, group).finally(() => {
      group.balancing = null
    })
  }

  /** Takes partitions from who is to lose them, then gives them to who is to have them, until all are where they belong. */
  async #balance(topic: Topic, group: Group): Promise<void> {
    for (;;) {
      await this.#world.after(1 + this.#world.random(20))
      for (const member of group.members) {
        if (member.process.alive || member.left) continue
        await this.#world.after(member.options.sessionTimeout ?? 10_000)
        member.expired = true
      }
      const gone = group.members.filter(({ left, expired }) => left || expired)
      for (const member of gone) group.members.splice(group.members.indexOf(member), 1)
      const members = group.members.toSorted((a, b) => a.order - b.order)
      const owner = (partition: number) => members[partition % members.length]
      let changed = gone.length > 0
      for (const member of members) {
        const losing = [...member.positions.keys()].filter((partition) => owner(partition) !== member)
        if (losing.length === 0) continue
        changed = true
        await this.#within(member, member.options.revoked(losing))
        for (const partition of losing) member.positions.delete(partition)
      }
      for (const member of members) {
        const coming = topic.partitions.flatMap((_, partition) =>
          owner(partition) === member && !members.some(({ positions }) => positions.has(partition)) ? [partition] : [],
        )
        if (coming.length === 0) continue
        changed = true
        const starts = await this.#within(member, member.options.assigned(coming))
        if (starts && !member.left && !member.expired)
          for (const partition of coming) member.positions.set(partition, starts.get(partition) ?? 0)
      }
      if (!changed) return
    }
  }

  async #within<T>(member: Member, work: Promise<T>): Promise<T | null> {
    const answer = await Promise.race([work, this.#world.after(member.options.sessionTimeout ?? 10_000).then(() => null)])
    if (answer === null) member.expired = true
    return answer
  }

  #topic(name: string): Topic {
    const topic = this.topics.get(name)
    if (!topic) throw new Error(`no topic ${name}`)
    return topic
  }
}

function hash(key: Uint8Array | null): number {
  let value = 7
  for (const byte of key ?? []) value = (Math.imul(value, 31) + byte) >>> 0
  return value
}
