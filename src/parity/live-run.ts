import { ByteWriter } from '../lib/bytes.ts'
import type { OnlineStore } from '../online/index.ts'
import type { EventGroupPlan } from '../plan/index.ts'
import type { Interrupt } from '../pointintime/index.ts'
import { type Cell, keyEncoder, type TypeData } from '../schema/index.ts'
import { onlineTable, recentTable } from '../serving/index.ts'
import { LiveGroup, type LiveKey, type Outcome } from '../stream/index.ts'
import type { Answer } from './answers.ts'
import { type Arrivals, newestSoFar } from './arrivals.ts'
import { askTimes } from './ask-times.ts'
import { AskedAt, oneWithin } from './asked-at.ts'
import type { Comparison } from './comparison.ts'
import type { GroupCase } from './group-case.ts'

export interface LiveRunOptions {
  readonly arrivals: Arrivals
  /** Where state is kept between restarts; in the process, so that it is read without waiting. */
  readonly store: OnlineStore
  /** Reads from memory are compared here. */
  readonly live: Comparison
  /** Reads at the last moment before a value can change, as the state foretells it: they have to be as at the moment of a question. */
  readonly quiet: Comparison
  /** Reads of what was stored last are compared here. */
  readonly stored: { readonly comparison: Comparison; readonly answer: (key: number, q: number) => Answer }
  readonly random: (below: number) => number
  readonly interrupt: Interrupt
}

export interface LiveRunResult {
  readonly outcomes: Readonly<Record<Outcome, number>>
  /** The rows that came too late to count, each once. */
  readonly late: readonly LateRow[]
  /** Questions that could not be asked: when the last event that they needed came, the state had gone on. */
  readonly unasked: number
  readonly restarts: number
}

export interface LateRow {
  readonly row: number
  /** The newest event time that had arrived before it, in microseconds. */
  readonly newest: number
}

/** So many commits in a run, and the horizon moves on after one arrival in so many. */
const commitCount = 240
const advanceEvery = 16
/** One question in so many is asked of what is stored: rows are unpacked for each. */
const storedEvery = 4
/** After one question in so many the values are read again just before they can change; of those that never do, this much later. */
const quietEvery = 16
const never = 30 * 86_400_000_000

/**
 * Sends the rows of a group to its live state in an order of arrival and asks every question while it can be asked: of the
 * state in memory, and of what a commit has just stored. Where the process is said to end, the state is dropped and goes on
 * from what was stored; where it did not end as it should, what came after the last commit comes again.
 */
export async function runLive(groupCase: GroupCase, options: LiveRunOptions): Promise<LiveRunResult> {
  const { arrivals, interrupt } = options
  const { group, questions } = groupCase
  const run = new LiveRun(groupCase, options)
  interrupt.stage(`streaming ${group.name}, ${arrivals.name}`, arrivals.rows.length)
  await run.all()
  return {
    outcomes: run.outcomes,
    late: [...run.late].map(([row, newest]) => ({ row, newest })),
    unasked: questions.count - options.live.questions,
    restarts: arrivals.restarts.length,
  }
}

class LiveRun {
  readonly outcomes: Record<Outcome, number> = { accepted: 0, duplicate: 0, corrected: 0, late: 0 }
  readonly late = new Map<number, number>()
  readonly #case: GroupCase
  readonly #options: LiveRunOptions
  readonly #plan: EventGroupPlan
  readonly #newest: Float64Array
  readonly #keys: readonly string[]
  readonly #cells: (row: number) => readonly Cell[]
  readonly #asked: AskedAt
  readonly #askedOfStore: AskedAt
  readonly #commits: Uint8Array
  #live: LiveGroup
  readonly #accepted: Uint8Array
  #version = 0
  /** The place behind the last arrival that is stored. */
  #stored = 0
  /** The place from which on questions have not been asked. */
  #askedUpTo = 0

  constructor(groupCase: GroupCase, options: LiveRunOptions) {
    const { arrivals, random } = options
    const { rows, group, questions, keyTimes } = groupCase
    this.#case = groupCase
    this.#options = options
    this.#plan = groupCase.plan as EventGroupPlan
    this.#newest = newestSoFar(rows.times, arrivals.rows)
    this.#keys = packedKeys(Object.values(group.entity.keys), rows.keys)
    const names = this.#plan.state.columns
    this.#cells = (row) => names.map((name) => rows.rows[row]?.[name] as Cell)
    const count = arrivals.rows.length
    this.#commits = commitPlaces(count, random)
    const times = askTimes(group, rows, keyTimes, questions, arrivals.rows)
    const soonOrLate = (from: number, to: number) => (random(2) === 0 ? from : from + random(to - from + 1))
    this.#asked = new AskedAt(count, questions, times, soonOrLate, random)
    const commits = Int32Array.from(this.#commits.keys()).filter((place) => this.#commits[place] === 1)
    this.#askedOfStore = new AskedAt(count, questions, times, (from, to) => oneWithin(commits, from, to, random), random, storedEvery)
    this.#accepted = new Uint8Array(rows.rows.length)
    this.#live = this.#open(-1)
  }

  async all(): Promise<void> {
    const { arrivals, interrupt, random } = this.#options
    const restarts = arrivals.restarts.values()
    let restart = restarts.next().value
    for (let place = 0; place < arrivals.rows.length; place++) {
      if (restart && place >= restart.before) {
        if (restart.clean) await this.#commit(place)
        for (const row of arrivals.rows.subarray(this.#stored, place)) if (this.#accepted[row] === yes) this.#accepted[row] = no
        this.#live = this.#open(this.#stored - 1)
        restart = restarts.next().value
        place = this.#stored - 1
        continue
      }
      this.#take(place)
      if (random(advanceEvery) === 0) this.#advance(place)
      if (this.#commits[place] === 1) await this.#commit(place + 1)
      if (place < this.#askedUpTo) continue
      this.#askedUpTo = place + 1
      this.#askLive(place)
      if (this.#commits[place] === 1) this.#askStored(place)
      if (place % 1024 === 0) {
        interrupt.check()
        interrupt.advance(1024)
      }
    }
  }

  #open(last: number): LiveGroup {
    const live = new LiveGroup(this.#plan, this.#options.arrivals.state)
    if (last >= 0) live.advance((this.#newest[last] as number) - this.#case.group.source.lateness)
    return live
  }

  #take(place: number): void {
    const { rows } = this.#case
    const row = this.#options.arrivals.rows[place] as number
    const key = this.#keys[rows.keyOf[row] as number] as string
    this.#bring(key)
    const outcome = this.#live.apply(key, rows.times[row] as number, rows.knownAt[row] as number, this.#cells(row))
    this.outcomes[outcome]++
    if (outcome !== 'late') {
      this.late.delete(row)
      if (this.#accepted[row] === no) this.#accepted[row] = yes
    } else if (this.#accepted[row] !== stored) {
      this.late.set(row, place === 0 ? Number.NEGATIVE_INFINITY : (this.#newest[place - 1] as number))
    }
  }

  #advance(place: number): void {
    this.#live.advance((this.#newest[place] as number) - this.#case.group.source.lateness)
  }

  /** Brings a key into memory from what is stored. */
  #bring(key: string): void {
    if (this.#live.has(key)) return
    const keys = [Buffer.from(key, 'latin1')]
    const { group } = this.#case
    const reads = [onlineTable(group), recentTable(group)].map((table) => ({ table, keys }))
    const [sealed, recent] = this.#options.store.readSync?.(reads) ?? []
    this.#live.load(key, sealed?.[0] ?? null, recent?.[0] ?? null)
  }

  /** Stores what has changed by the arrivals before a place. */
  async #commit(end: number): Promise<void> {
    if (end === this.#stored) return
    const { group } = this.#case
    const { store, arrivals } = this.#options
    this.#advance(end - 1)
    const version = new Uint8Array(16)
    new DataView(version.buffer).setBigUint64(8, BigInt(++this.#version))
    const { sealed, recent } = this.#live.takeChanges(version)
    await store.write(onlineTable(group), sealed)
    await store.write(recentTable(group), recent)
    this.#live.committed()
    for (const row of arrivals.rows.subarray(this.#stored, end)) if (this.#accepted[row] === yes) this.#accepted[row] = stored
    this.#stored = end
  }

  /** Questions of one key follow one another, so that it is found once and then moves from moment to moment. */
  #askLive(place: number): void {
    const { questions } = this.#case
    const { random } = this.#options
    let found = -1
    let read: LiveKey | null = null
    for (const question of this.#asked.at(place)) {
      const key = questions.keys[question] as number
      this.#options.live.ask(question, () => {
        if (key !== found) read = this.#read(this.#keys[key] as string)
        found = key
        read?.seek(questions.at[question] as number)
        return read as LiveKey
      })
      if (read && random(quietEvery) === 0) this.#askQuiet(question, read)
    }
  }

  /** No event comes and time goes on: until a value can change, it does not. */
  #askQuiet(question: number, read: LiveKey): void {
    const q = this.#case.questions.at[question] as number
    this.#options.quiet.ask(question, () => {
      read.seek(q)
      const { status, eventTime } = read
      const next = this.#plan.features.map((_, feature) => read.nextChangeAt(feature))
      const value = (feature: number) => {
        read.seek((next[feature] ?? q + never + 1) - 1)
        return read.value(feature)
      }
      return { value, status, eventTime }
    })
  }

  #read(key: string): LiveKey | null {
    this.#bring(key)
    return this.#live.read(key)
  }

  #askStored(place: number): void {
    const { questions } = this.#case
    const reader = this.#options.stored
    for (const question of this.#askedOfStore.at(place))
      reader.comparison.ask(question, () => reader.answer(questions.keys[question] as number, questions.at[question] as number))
  }
}

/** What became of a row: not in the state, in memory only, stored. */
const [no, yes, stored] = [0, 1, 2]

/** After which arrivals there is a commit: at random, at last after the last one. */
function commitPlaces(count: number, random: (below: number) => number): Uint8Array {
  const places = new Uint8Array(count)
  const every = Math.max(2, Math.floor(count / commitCount))
  for (let place = random(every); place < count; place += 1 + random(2 * every)) places[place] = 1
  places[count - 1] = 1
  return places
}

/** Keys as the live state is asked for them: their packed bytes, one character a byte. */
function packedKeys(types: readonly TypeData[], keys: readonly (readonly Cell[])[]): string[] {
  const encode = keyEncoder(types)
  const writer = new ByteWriter()
  return keys.map((cells) => {
    encode(cells, writer.clear())
    return Buffer.from(writer.finish()).toString('latin1')
  })
}
