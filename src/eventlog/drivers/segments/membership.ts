import type { Clock } from '../../../lib/clock.ts'
import { balance } from './balance.ts'
import type { Group, GroupState } from './group.ts'

/** How often a member looks whether something has changed. */
const lookMilliseconds = 50
const beatMilliseconds = 500

/** What a member has to do: partitions lost to others, to be handed over, and that have come to it. */
export interface Duties {
  readonly lost: readonly number[]
  readonly leaving: readonly number[]
  readonly coming: readonly number[]
}

/**
 * One member of a group: it beats, takes silent members for dead, and finds out which partitions it should have. Time is counted
 * in its own looks, not by the clock, so neither a clock that jumps nor a pause of this process makes others look dead.
 */
export class Membership {
  readonly #group: Group
  readonly #clock: Clock
  readonly #sessionTimeout: number
  readonly #look: number
  readonly #beatEvery: number
  /** The partitions that this member owns, or owned as far as it knows. */
  readonly owned = new Set<number>()
  readonly member: string
  readonly #end: () => Promise<void>
  #version = -1
  #looks = 0
  readonly #silent = new Map<string, { beat: number; since: number }>()
  readonly #positions = new Map<number, number>()

  private constructor(group: Group, clock: Clock, sessionTimeout: number, member: string, end: () => Promise<void>) {
    this.#group = group
    this.#clock = clock
    this.#sessionTimeout = sessionTimeout
    this.#look = Math.min(lookMilliseconds, sessionTimeout / 20)
    this.#beatEvery = Math.max(1, Math.round(Math.min(beatMilliseconds, sessionTimeout / 5) / this.#look))
    this.member = member
    this.#end = end
  }

  static async join(group: Group, clock: Clock, sessionTimeout: number): Promise<Membership> {
    return await group.change(async (state) => {
      const { member, end } = await group.enrol(state)
      const membership = new Membership(group, clock, sessionTimeout, member, end)
      membership.#enter(state)
      return membership
    })
  }

  report(positions: ReadonlyMap<number, number>): void {
    for (const [partition, position] of positions) this.#positions.set(partition, position)
  }

  /** Resolves when it is time to look again. */
  async rest(signal: AbortSignal): Promise<void> {
    await this.#clock.sleep(this.#look, signal)
    this.#looks++
  }

  /** Looks at the group, and changes it where that is due. `busy`: only shows that it is alive. */
  async look(busy: boolean): Promise<Duties | null> {
    const due = this.#looks % this.#beatEvery === 0
    if (!due && (busy || (await this.#group.read()).version === this.#version)) return null
    const { duties, state } = await this.#group.change(async (state) => {
      this.#enter(state)
      this.#tell(state)
      await this.#dropDead(state)
      return { duties: busy ? null : this.#duties(state), state }
    })
    if (!busy) this.#version = state.version
    return duties
  }

  /** Lets others have partitions that this member has let go of. */
  async release(partitions: readonly number[]): Promise<void> {
    for (const partition of partitions) this.owned.delete(partition)
    await this.#group.change((state) => {
      for (const partition of partitions) if (state.owners[partition] === this.member) state.owners[partition] = null
      this.#tell(state)
    })
  }

  /** Forgets partitions that others have already. */
  forget(partitions: readonly number[]): void {
    for (const partition of partitions) this.owned.delete(partition)
  }

  async leave(): Promise<void> {
    try {
      await this.#group.change((state) => {
        this.#tell(state)
        remove(state, this.member)
      })
    } finally {
      this.owned.clear()
      await this.#end()
      await this.#group.close()
    }
  }

  #enter(state: GroupState): void {
    const known = state.members[this.member]
    state.members[this.member] = { beat: (known?.beat ?? 0) + 1, sessionTimeout: this.#sessionTimeout }
  }

  #tell(state: GroupState): void {
    for (const [partition, position] of this.#positions) state.positions[partition] = position
    this.#positions.clear()
  }

  async #dropDead(state: GroupState): Promise<void> {
    for (const [member, { beat, sessionTimeout }] of Object.entries(state.members)) {
      if (member === this.member) continue
      const seen = this.#silent.get(member)
      if (seen?.beat !== beat) this.#silent.set(member, { beat, since: this.#looks })
      const silent = (this.#looks - (seen?.beat === beat ? seen.since : this.#looks)) * this.#look
      const died = await this.#group.hasDied(member)
      if (silent <= sessionTimeout && !died) continue
      this.#silent.delete(member)
      remove(state, member)
      // One that is only silent may come back, with its lock.
      if (died) await this.#group.bury(member)
    }
  }

  #duties(state: GroupState): Duties {
    const should = balance(state.owners, Object.keys(state.members))
    const lost = [...this.owned].filter((partition) => state.owners[partition] !== this.member)
    const leaving = [...this.owned].filter((partition) => state.owners[partition] === this.member && should[partition] !== this.member)
    const coming: number[] = []
    for (const [partition, owner] of state.owners.entries()) {
      if (owner !== null || should[partition] !== this.member) continue
      state.owners[partition] = this.member
      coming.push(partition)
    }
    return { lost, leaving, coming }
  }
}

function remove(state: GroupState, member: string): void {
  delete state.members[member]
  for (const [partition, owner] of state.owners.entries()) if (owner === member) state.owners[partition] = null
}
