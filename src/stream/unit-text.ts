import { canonicalJson } from '../lib/canonical-json.ts'
import type { Clock } from '../lib/clock.ts'
import type { Micros } from '../lib/moment.ts'
import type { OnlineStore } from '../online/index.ts'

/**
 * What is stored of a unit beside its rows: who owns it, how far it has come, and what it counted. Each commit replaces the
 * text of the one before, so a worker that lost the unit finds another text and can store nothing more.
 */
export interface UnitText {
  /** Grows with each owner. */
  readonly epoch: number
  readonly owner: string
  readonly commits: number
  /** The offset of the next record that the unit has not seen. */
  readonly position: number
  /** The newest event time seen, never beyond the clock; null before the first event. */
  readonly watermark: Micros | null
  readonly counts: Readonly<Record<string, number>>
  readonly updated: Micros
  /** Of a unit of an internal topic: by partition of the source's topic, the next offset that it has not seen. */
  readonly origins?: Readonly<Record<string, number>>
  /** What else the unit keeps. */
  readonly details?: unknown
}

/** A change of a unit's text, as `OnlineStore.commit` takes it. */
export interface TextChange {
  readonly table: string
  readonly expected: string | null
  readonly text: string
}

/** The texts of an owned unit: the stored one and those to come. */
export class UnitRecord {
  readonly table: string
  readonly epoch: number
  #text: string
  #value: UnitText

  private constructor(table: string, text: string, value: UnitText) {
    this.table = table
    this.epoch = value.epoch
    this.#text = text
    this.#value = value
  }

  /** Takes a unit over from whoever owned it; `initial` gives where one begins that nobody owned. */
  static async claim(store: OnlineStore, table: string, owner: string, clock: Clock, initial: Partial<UnitText> = {}): Promise<UnitRecord> {
    for (;;) {
      const expected = await store.readMeta(table)
      const before = parseUnitText(expected) ?? { ...blank, ...initial }
      const value: UnitText = { ...before, epoch: before.epoch + 1, owner, updated: clock.now() }
      const text = canonicalJson(value)
      if (await commitOf(store)([{ table, expected, text }], [])) return new UnitRecord(table, text, value)
    }
  }

  /** What is stored. */
  get value(): UnitText {
    return this.#value
  }

  get text(): string {
    return this.#text
  }

  next(changes: Partial<UnitText>): TextChange {
    const { commits } = this.#value
    return { table: this.table, expected: this.#text, text: canonicalJson({ ...this.#value, ...changes, commits: commits + 1 }) }
  }

  /** The change was stored. */
  stored({ text }: TextChange): void {
    this.#text = text
    this.#value = JSON.parse(text) as UnitText
  }
}

const blank: UnitText = { epoch: 0, owner: '', commits: 0, position: 0, watermark: null, counts: {}, updated: 0 }

/** The text of a unit as stored; null where it has none, or lost it to be filled anew. */
export function parseUnitText(text: string | null): UnitText | null {
  return text === null || text === '' ? null : (JSON.parse(text) as UnitText)
}

/** The store's commit. Throws where it has none. */
export function commitOf(store: OnlineStore): NonNullable<OnlineStore['commit']> {
  if (store.commit) return store.commit.bind(store)
  throw new TypeError(`the online store ${store.name} has no transactions`)
}
