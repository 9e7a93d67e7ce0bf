import { canonicalJson } from '../lib/canonical-json.ts'
import type { Clock } from '../lib/clock.ts'
import type { Micros } from '../lib/moment.ts'
import type { OnlineStore } from '../online/index.ts'
import { commitOf } from './unit-text.ts'

/** Where the units of a filled group begin: by partition of the source's topic, the first offset that its history did not hold. */
export type FillPositions = Readonly<Record<string, number>>

interface FillText {
  readonly state: 'filling' | 'done'
  readonly owner: string
  readonly updated: Micros
  /** Grows with each attempt and is greater than that of every unit before, so that what a late one writes never wins. */
  readonly epoch: number
  readonly positions: FillPositions
}

/** A group that is filled: its units begin at these positions, with a greater epoch. */
export interface Filled {
  readonly epoch: number
  readonly positions: FillPositions
}

/** Microseconds after which a worker that fills and says nothing is taken for dead. */
const silence = 30_000_000
const sayEvery = 5000
const askEvery = 200

/** Of a group that is filled; null where it is not. */
export async function filledFrom(store: OnlineStore, table: string): Promise<Filled | null> {
  const text = parse(await store.readMeta(table))
  return text?.state === 'done' ? text : null
}

/** Says of a group that it has to be filled again, over all that its units have stored. */
export async function refill(store: OnlineStore, table: string): Promise<void> {
  const expected = await store.readMeta(table)
  const before = parse(expected)
  if (before?.state !== 'done') return
  const text = canonicalJson({ ...before, state: 'filling', owner: '', updated: 0 } satisfies FillText)
  await commitOf(store)([{ table, expected, text }], [])
}

/**
 * Has a group filled by one of the workers: by this one, through `work`, or by waiting for another. Resolves to where the
 * units begin. A worker that dies while it fills is followed by another, which begins again.
 */
export async function fillOnce(
  store: OnlineStore,
  table: string,
  owner: string,
  clock: Clock,
  signal: AbortSignal,
  /** The greatest epoch of the group's units. */
  unitEpoch: () => Promise<number>,
  work: (epoch: number) => Promise<FillPositions>,
): Promise<Filled | null> {
  for (;;) {
    if (signal.aborted) return null
    const expected = await store.readMeta(table)
    const before = parse(expected)
    if (before?.state === 'done') return before
    if (before && before.owner !== owner && clock.now() - before.updated < silence) {
      await clock.sleep(askEvery, signal)
      continue
    }
    const epoch = Math.max(before?.epoch ?? 0, await unitEpoch()) + 1
    const held = new HeldFill(store, table, owner, clock, epoch)
    if (await held.say(expected, 'filling', {})) return await held.during(work, signal)
  }
}

/** A fill that this worker does; it says every few seconds that it is alive. */
class HeldFill {
  readonly #store: OnlineStore
  readonly #table: string
  readonly #owner: string
  readonly #clock: Clock
  readonly #epoch: number
  #text: string | null = null

  constructor(store: OnlineStore, table: string, owner: string, clock: Clock, epoch: number) {
    this.#store = store
    this.#table = table
    this.#owner = owner
    this.#clock = clock
    this.#epoch = epoch
  }

  async say(expected: string | null, state: FillText['state'], positions: FillPositions): Promise<boolean> {
    const own = { owner: this.#owner, updated: this.#clock.now(), epoch: this.#epoch }
    const text = canonicalJson({ state, positions, ...own } satisfies FillText)
    const stored = await commitOf(this.#store)([{ table: this.#table, expected, text }], [])
    if (stored) this.#text = text
    return stored
  }

  async during(work: (epoch: number) => Promise<FillPositions>, signal: AbortSignal): Promise<Filled | null> {
    const done = new AbortController()
    const alive = this.#sayAlive(AbortSignal.any([done.signal, signal]))
    try {
      const positions = await work(this.#epoch)
      done.abort()
      await alive
      return (await this.say(this.#text, 'done', positions)) ? { epoch: this.#epoch, positions } : null
    } finally {
      done.abort()
    }
  }

  async #sayAlive(signal: AbortSignal): Promise<void> {
    for (;;) {
      await this.#clock.sleep(sayEvery, signal)
      if (signal.aborted) return
      await this.say(this.#text, 'filling', {})
    }
  }
}

const parse = (text: string | null): FillText | null => (text === null || text === '' ? null : (JSON.parse(text) as FillText))
