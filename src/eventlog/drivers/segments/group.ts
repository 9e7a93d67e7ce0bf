import { randomUUID } from 'node:crypto'
import { basename, dirname, join } from 'node:path'
import type { Clock } from '../../../lib/clock.ts'
import type { Disk } from '../../../lib/disk.ts'
import { FairLock } from './fair-lock.ts'
import { fileName } from './paths.ts'

/** What the members of a group tell one another: a small file, replaced as a whole under a lock. */
export interface GroupState {
  /** Grows when members or owners change. */
  version: number
  members: Record<string, Member>
  /** By partition. */
  owners: (string | null)[]
  /** How far the group has come, by partition, as it was reported. */
  positions: (number | null)[]
}

export interface Member {
  /** Grows while the member is alive. */
  beat: number
  sessionTimeout: number
}

/** The file of one group of readers of a topic, and the locks by which its members know that one has died. */
export class Group {
  readonly #disk: Disk
  readonly #path: string
  readonly #partitions: number
  readonly #lock: FairLock

  private constructor(disk: Disk, path: string, partitions: number, lock: FairLock) {
    this.#disk = disk
    this.#path = path
    this.#partitions = partitions
    this.#lock = lock
  }

  static async open(disk: Disk, folder: string, name: string, partitions: number, clock: Clock): Promise<Group> {
    const groups = join(folder, 'groups')
    await disk.makeFolder(groups)
    const path = join(groups, fileName(name))
    return new Group(disk, path, partitions, await FairLock.open(disk, path, clock))
  }

  async read(): Promise<GroupState> {
    const file = await this.#disk.open(`${this.#path}.json`)
    if (file === null) return this.#empty()
    try {
      const bytes = new Uint8Array(await file.size())
      const length = await file.read(0, bytes)
      return JSON.parse(Buffer.from(bytes.buffer, 0, length).toString()) as GroupState
    } catch (error) {
      // Nobody waits for the file to be on the disk. After a loss of power no member is left either.
      if (error instanceof SyntaxError) return this.#empty()
      throw error
    } finally {
      await file.close()
    }
  }

  /** Changes what the members see, in one step. */
  async change<T>(work: (state: GroupState) => Promise<T> | T): Promise<T> {
    return await this.#lock.hold(async () => {
      const state = await this.read()
      const before = shape(state)
      const result = await work(state)
      if (shape(state) !== before) state.version++
      const temporary = `${this.#path}.new`
      await this.#disk.remove(temporary)
      const file = await this.#disk.create(temporary)
      try {
        await file.write(0, Buffer.from(JSON.stringify(state)))
      } finally {
        await file.close()
      }
      await this.#disk.rename(temporary, `${this.#path}.json`)
      return result
    })
  }

  /**
   * A new member, alive until the function that comes with its name is called or the process dies. Called within `change`, so
   * that nobody looks after it before it holds its lock.
   */
  async enrol({ members }: GroupState): Promise<{ member: string; end: () => Promise<void> }> {
    for (const other of await this.#memberNames()) if (!(other in members) && (await this.hasDied(other))) await this.bury(other)
    const member = randomUUID()
    const path = this.#memberPath(member)
    const lock = await this.#disk.lock(path)
    await lock.tryAcquire()
    const end = async () => {
      await lock.close()
      await this.#disk.remove(path)
    }
    return { member, end }
  }

  /** Whether the process of a member has ended. */
  async hasDied(member: string): Promise<boolean> {
    const lock = await this.#disk.lock(this.#memberPath(member))
    try {
      return await lock.tryAcquire()
    } finally {
      await lock.close()
    }
  }

  /** Removes what a dead member has left. */
  async bury(member: string): Promise<void> {
    await this.#disk.remove(this.#memberPath(member))
  }

  async close(): Promise<void> {
    await this.#lock.close()
  }

  #memberPath(member: string): string {
    return `${this.#path}.${member}.member`
  }

  async #memberNames(): Promise<string[]> {
    const names = await this.#disk.list(dirname(this.#path))
    const prefix = `${basename(this.#path)}.`
    return names
      .filter((name) => name.startsWith(prefix) && name.endsWith('.member'))
      .map((name) => name.slice(prefix.length, -'.member'.length))
  }

  #empty(): GroupState {
    return { version: 0, members: {}, owners: new Array(this.#partitions).fill(null), positions: new Array(this.#partitions).fill(null) }
  }
}

const shape = ({ members, owners }: GroupState): string => JSON.stringify([Object.keys(members).sort(), owners])
